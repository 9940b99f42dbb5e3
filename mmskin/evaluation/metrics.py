"""One definition per metric, weighted, and computed for many resamples at once.

Every metric takes

    target: (N,), int, class codes in [0, C).
    probs: (N, C), rows sum to 1. The answer of a row is its most probable class, the first one at a tie.
    weights: (N,) or (R, N), not negative; R resamples of the same rows. None: every row counts once.

and returns an array of shape weights.shape[:-1], with a last axis of C where it is per class. An integer weight is the
same as repeating the row. What is undefined is NaN: a recall without cases, an AUROC without one of its two sides.

A macro mean is the plain mean over the classes that have weight. A class without a case is left out, neither 0 nor 1
(as `sklearn.metrics.balanced_accuracy_score` does); all macro metrics follow that one rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Compute = Callable[[Ints, Floats, Floats], Floats]

ECE_BINS = 15  # Guo et al. 2017, section 2


# --- answers ------------------------------------------------------------------------------------------------


def confusion(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """(..., C, C): weight of true class (row) answered as class (column)."""
    weights = _weights(target, weights)
    num_classes = probs.shape[1]
    table = np.zeros((num_classes**2, *weights.shape[:-1]))
    cells = target * num_classes + probs.argmax(axis=1)
    # A case lies in one cell: adding it there, all resamples at once, is faster than a product with mostly zeros.
    for cell, of_case in zip(cells, np.moveaxis(weights, -1, 0), strict=True):
        table[cell] += of_case
    return np.ascontiguousarray(np.moveaxis(table, 0, -1)).reshape(*weights.shape[:-1], num_classes, num_classes)


def sensitivity(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """(..., C): the share of a class that is answered as that class (recall)."""
    table = confusion(target, probs, weights)
    return ratio(np.diagonal(table, axis1=-2, axis2=-1), table.sum(axis=-1))


def specificity(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """(..., C): the share of all other classes that is not answered as the class."""
    table = confusion(target, probs, weights)
    others = table.sum(axis=(-2, -1))[..., None] - table.sum(axis=-1)
    false_alarms = table.sum(axis=-2) - np.diagonal(table, axis1=-2, axis2=-1)
    return 1 - ratio(false_alarms, others)


def f1(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """(..., C): harmonic mean of precision and recall, NaN for a class without a case."""
    table = confusion(target, probs, weights)
    cases, answers = table.sum(axis=-1), table.sum(axis=-2)
    return ratio(2 * np.diagonal(table, axis1=-2, axis2=-1), np.where(cases > 0, cases + answers, 0))


def accuracy(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """The share of right answers."""
    return _mean(probs.argmax(axis=1) == target, _weights(target, weights))


def balanced_accuracy(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """Mean recall over the classes that have weight."""
    return mean_defined(sensitivity(target, probs, weights), axis=-1)


def macro_f1(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """Mean F1 over the classes that have weight."""
    return mean_defined(f1(target, probs, weights), axis=-1)


def top_k_accuracy(target: Ints, probs: Floats, weights: Floats | None = None, *, k: int = 3) -> Floats:
    """The share of cases whose class is among the k most probable; at a tie the earlier class goes first."""
    own = np.take_along_axis(probs, target[:, None], axis=1)
    earlier = np.arange(probs.shape[1]) < target[:, None]
    rank = ((probs > own) | ((probs == own) & earlier)).sum(axis=1)
    return _mean(rank < k, _weights(target, weights))


# --- ranking ------------------------------------------------------------------------------------------------


def binary_auroc(positive: NDArray[np.bool_], score: Floats, weights: Floats | None = None) -> Floats:
    """Probability that a positive scores above a negative, ties counting one half (Mann-Whitney).

    Args:
        positive: (N,), bool.
        score: (N,), any scale.
        weights: (N,) or (R, N).

    Returns:
        weights.shape[:-1]; NaN where either side has no weight.
    """
    weights = np.ones(len(score)) if weights is None else weights
    by_case = np.ascontiguousarray(np.moveaxis(weights, -1, 0))
    # At a tie, once the positives come first and once the negatives: the mean of the two counts it one half.
    orders = [np.lexsort((later, score)) for later in (~positive, positive)]
    wins, pairs = _wins(orders[0], positive, by_case)
    if (positive[orders[0]] != positive[orders[1]]).any():
        wins = (wins + _wins(orders[1], positive, by_case)[0]) / 2
    return ratio(wins, pairs)


def _wins(order: Ints, positive: NDArray[np.bool_], by_case: Floats) -> tuple[Floats, Floats]:
    """Weight of the pairs in which the negative comes first, and of all pairs.

    One walk along the order with all resamples side by side: three times as fast as cumulative sums over the cases.
    """
    negatives, positives, wins, won = (np.zeros(by_case.shape[1:]) for _ in range(4))
    for case, is_positive in zip(order, positive[order], strict=True):
        if is_positive:
            positives += by_case[case]
            wins += np.multiply(by_case[case], negatives, out=won)
        else:
            negatives += by_case[case]
    return wins, positives * negatives


def auroc(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """(..., C): each class against all others, by its probability."""
    columns = [binary_auroc(target == c, probs[:, c], weights) for c in range(probs.shape[1])]
    return np.stack(columns, axis=-1)


def macro_auroc(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """Mean over the classes of the one-versus-rest AUROC."""
    return mean_defined(auroc(target, probs, weights), axis=-1)


def within_folds(compute: Compute, target: Ints, probs: Floats, weights: Floats, *, fold: Ints) -> Floats:
    """The mean over folds of a metric, each fold by itself; folds in which it is undefined are left out.

    Folds are different models, and their probabilities need not be on one scale: ranking a case of one fold against a
    case of another says something about the models, not about the cases. So AUROC is computed within folds.
    """
    parts = [compute(target[rows], probs[rows], weights[..., rows]) for rows in (fold == f for f in np.unique(fold))]
    return mean_defined(np.stack(parts), axis=0)


# --- probabilities ------------------------------------------------------------------------------------------


def log_loss(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """Mean of -log p(true class), in nats; p is clipped at float64's epsilon as in scikit-learn."""
    own = np.take_along_axis(log_probs(probs), target[:, None], axis=1)[:, 0]
    return _mean(-own, _weights(target, weights))


def brier(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """Mean over cases of the squared error summed over classes, in [0, 2] (Brier 1950).

    scikit-learn's `brier_score_loss` for more than two classes with scale_by_half=False; for two classes it is twice
    the binary score.
    """
    truth = np.eye(probs.shape[1])[target]
    return _mean(((probs - truth) ** 2).sum(axis=1), _weights(target, weights))


def ece(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """Expected calibration error of the answer: mean over cases of |accuracy - confidence| of their bin.

    15 bins of equal width, closed above (Guo et al. 2017, eq. 3). It is biased upwards on few cases, and more so in
    resamples than in the data: an interval may lie above its estimate.
    """
    weights = _weights(target, weights)
    confidence = probs.max(axis=1)
    gap = np.zeros((len(target), ECE_BINS))
    gap[np.arange(len(target)), confidence_bin(confidence)] = (probs.argmax(axis=1) == target) - confidence
    return ratio(np.abs(weights @ gap).sum(axis=-1), weights.sum(axis=-1))


def confidence_bin(confidence: Floats, *, bins: int = ECE_BINS) -> Ints:
    """The bin of each confidence: equal widths over [0, 1], closed above."""
    of_bin: Ints = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(np.int64)
    return of_bin


# Over about ±55, .05 apart around 0 and .07 around 1; the error of the inverse interpolation below is then < 1e-5.
SLOPE_NODES = np.sinh(np.linspace(-4.7, 4.7, 189))


def calibration_slope(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """The slope a that maximises the likelihood of softmax(a log p): 1 is calibrated, below 1 overconfident.

    The multi-class form of Cox's logistic recalibration with one common slope and no intercepts (van Hoorde et al.
    2014); the inverse of the temperature that would be fitted to these cases. NaN where no finite slope within ±55
    maximises it: without weight, at uniform probabilities, or if every answer is right.

    The derivative of the log-likelihood falls monotonically in a. It is summed at fixed nodes for all resamples in one
    product, and its root is found by cubic Hermite interpolation of a over the derivative.
    """
    weights = _weights(target, weights)
    gradient, curvature = (weights @ rows for rows in _slope_derivatives(target, probs))
    above = (gradient > 0).sum(axis=-1, keepdims=True)
    found = (above > 0) & (above < len(SLOPE_NODES))
    right = np.clip(above, 1, len(SLOPE_NODES) - 1)
    ends = (right - 1, right)
    a0, a1 = (SLOPE_NODES[end] for end in ends)
    g0, g1 = (np.take_along_axis(gradient, end, axis=-1) for end in ends)
    h0, h1 = (np.take_along_axis(curvature, end, axis=-1) for end in ends)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = g1 - g0
        t = -g0 / step
        root = (1 + 2 * t) * (1 - t) ** 2 * a0 + t * (1 - t) ** 2 * step / h0
        root = root + t**2 * (3 - 2 * t) * a1 + t**2 * (t - 1) * step / h1
        # At saturated nodes the curvature vanishes and the cubic may leave its bracket.
        root = np.clip(root, a0, a1)
    slope: Floats = np.where(found, root, np.nan)[..., 0]
    return slope


def _slope_derivatives(target: Ints, probs: Floats) -> tuple[Floats, Floats]:
    """First and second derivative in a of log softmax(a log p)[target], (N, K) each, at the K nodes."""
    logs = log_probs(probs)
    excess = logs - np.take_along_axis(logs, target[:, None], axis=1)
    first, second = np.empty((2, len(target), len(SLOPE_NODES)))
    for k, slope in enumerate(SLOPE_NODES):
        scaled = slope * excess
        q = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        q /= q.sum(axis=1, keepdims=True)
        mean = (q * excess).sum(axis=1)
        first[:, k] = -mean
        second[:, k] = mean**2 - (q * excess**2).sum(axis=1)
    return first, second


def calibration_in_the_large(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """(..., C): mean predicted probability of a class minus its share; 0 is calibrated, above 0 predicted too often."""
    weights = _weights(target, weights)
    return ratio(weights @ (probs - np.eye(probs.shape[1])[target]), weights.sum(axis=-1, keepdims=True))


# --- a named set of classes against the others --------------------------------------------------------------


def group_auroc(target: Ints, probs: Floats, weights: Floats | None = None, *, members: Sequence[int]) -> Floats:
    """AUROC of the summed probability of a set of classes, such as malignant, against the others."""
    return binary_auroc(np.isin(target, members), probs[:, list(members)].sum(axis=1), weights)


def group_sensitivity(target: Ints, probs: Floats, weights: Floats | None = None, *, members: Sequence[int]) -> Floats:
    """The share of the set whose answer lies in the set: which of its classes was named does not matter."""
    inside = np.isin(target, members)
    return _mean(np.isin(probs.argmax(axis=1), members), _weights(target, weights) * inside)


def group_specificity(target: Ints, probs: Floats, weights: Floats | None = None, *, members: Sequence[int]) -> Floats:
    """The share of the other classes whose answer lies outside the set."""
    inside = np.isin(target, members)
    return _mean(~np.isin(probs.argmax(axis=1), members), _weights(target, weights) * ~inside)


# --- the table of metrics -----------------------------------------------------------------------------------


class Metric(NamedTuple):
    """One line of a report.

    compute: a function of this file, (target, probs, weights).
    kind: "scalar": compute gives one number; "class": one per class; "macro": one per class, to be averaged over
        classes after folds and seeds were.
    better: which way is an improvement; None where the ideal lies in between.
    folds: averaged within folds instead of pooled over them.
    """

    title: str
    compute: Compute
    kind: Literal["scalar", "class", "macro"]
    better: Literal["higher", "lower"] | None
    folds: bool = False


METRICS: Mapping[str, Metric] = {
    "balanced_accuracy": Metric("Balanced accuracy", sensitivity, "macro", "higher"),
    "macro_auroc": Metric("Macro AUROC", auroc, "macro", "higher", folds=True),
    "macro_auroc_pooled": Metric("Macro AUROC, folds pooled", auroc, "macro", "higher"),
    "macro_f1": Metric("Macro F1", f1, "macro", "higher"),
    "accuracy": Metric("Accuracy", accuracy, "scalar", "higher"),
    "top3_accuracy": Metric("Top-3 accuracy", top_k_accuracy, "scalar", "higher"),
    "log_loss": Metric("Log-loss", log_loss, "scalar", "lower"),
    "brier": Metric("Brier score", brier, "scalar", "lower"),
    "ece": Metric("Calibration error (ECE)", ece, "scalar", "lower"),
    "calibration_slope": Metric("Calibration slope", calibration_slope, "scalar", None),
    "sensitivity": Metric("Sensitivity", sensitivity, "class", "higher"),
    "specificity": Metric("Specificity", specificity, "class", "higher"),
    "auroc": Metric("AUROC, one versus rest", auroc, "class", "higher", folds=True),
    "calibration_in_the_large": Metric("Predicted minus observed", calibration_in_the_large, "class", None),
}

RANKING = tuple(name for name, metric in METRICS.items() if metric.better is not None and metric.kind != "class")
"""The metrics by which arms can be put in order: one number each, with a better direction."""


def group_metrics(members: Sequence[int]) -> dict[str, Metric]:
    """The metrics of one named set of classes, given as class codes."""
    return {
        "group_auroc": Metric("AUROC", partial(group_auroc, members=members), "scalar", "higher", folds=True),
        "group_sensitivity": Metric("Sensitivity", partial(group_sensitivity, members=members), "scalar", "higher"),
        "group_specificity": Metric("Specificity", partial(group_specificity, members=members), "scalar", "higher"),
    }


# --- arithmetic ---------------------------------------------------------------------------------------------


def mean_defined(values: Floats, *, axis: int) -> Floats:
    """The mean over what is not NaN, NaN where nothing is."""
    defined = np.isfinite(values)
    return ratio(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis))


def ratio(part: Floats, whole: NDArray[np.float64] | NDArray[np.int64]) -> Floats:
    """part / whole, NaN where whole is 0."""
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    quotient: Floats = np.divide(part, whole, out=np.full(shape, np.nan), where=np.asarray(whole) > 0)
    return quotient


def log_probs(probs: Floats) -> Floats:
    """log p, with p clipped at float64's epsilon: a class ruled out altogether costs 36 nats, not infinity."""
    logs: Floats = np.log(np.clip(probs, np.finfo(np.float64).eps, None))
    return logs


def _weights(target: Ints, weights: Floats | None) -> Floats:
    return np.ones(len(target)) if weights is None else weights


def _mean(values: NDArray[np.float64] | NDArray[np.bool_], weights: Floats) -> Floats:
    return ratio(weights @ values.astype(np.float64), weights.sum(axis=-1))
