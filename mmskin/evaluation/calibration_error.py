"""How far probabilities lie from frequencies: with the bias of few cases taken out, and class by class.

Plain `metrics.ece` is not 0 for calibrated answers: it adds up |accuracy - confidence| of bins, and by chance alone no
bin is right on. On a few hundred cases that is worth some .05. The estimators here that are called debiased take the
chance out of the squared gap of every bin (Kumar, Liang & Ma, *Verified Uncertainty Calibration*, NeurIPS 2019,
section 5), where it can be done without bias, and take the root at the end. So they are root-mean-square errors:
in the same bins never below the mean of |accuracy - confidence| but for chance. Roelofs et al. (*Mitigating Bias in
Calibration Error Estimation*, AISTATS 2022) find them among the two least biased ones, in bins of equal mass.

All take target, probs and weights as `mmskin.evaluation.metrics` does. Bins of equal mass are made of all rows and
are the same in every resample. Weights are understood as draws of a bootstrap or as shares of a mixture: a case drawn
twice is one piece of evidence, not two, so here, unlike in `metrics`, a weight of 2 is not the same as repeating the
row. Were it so, the chance of drawing would be taken for a fault of the model, and resamples would lie above the data.

Cases of one patient count as independent. Where they err together, too little is taken out and the error is overstated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmskin.evaluation.metrics import ECE_BINS, Floats, Ints, confidence_bin, mean_defined, ratio


def debiased_ece(target: Ints, probs: Floats, weights: Floats | None = None, *, bins: int = ECE_BINS) -> Floats:
    """Root-mean-square error of the confidence in the answer, with the chance of few cases taken out.

    sqrt(max(0, Σ_b share_b · [(accuracy_b - confidence_b)² - accuracy_b (1 - accuracy_b) / (n_b - 1)])), over bins of
    equal mass. 0 for calibrated answers up to chance; the root of what is left of it is .02 on average for 400 cases,
    .01 for 2000. Gaps that cancel within a bin are not seen, so it is a lower bound of the error.

    Args:
        target: (N,), class codes.
        probs: (N, C).
        weights: (N,) or (R, N).
        bins: of equal mass, equal confidences together; fewer where a bin would have fewer than two cases.

    Returns:
        weights.shape[:-1], in [0, 1]; NaN where no bin has two cases with weight.
    """
    return _root(_squared_error(probs.max(axis=1), probs.argmax(axis=1) == target, weights, bins))


def classwise_ece(target: Ints, probs: Floats, weights: Floats | None = None, *, bins: int = ECE_BINS) -> Floats:
    """(..., C): for each class the mean over cases of |share of the class - its mean probability| of their bin.

    Bins of equal width, closed above (Kull et al., *Beyond temperature scaling*, NeurIPS 2019). Biased
    upwards on few cases, as `metrics.ece` is. Most cases have next to no probability of a rare class, so its error is
    small by nature: compare a class with itself, not with another. NaN without weight.
    """
    weights = np.ones(len(target)) if weights is None else weights
    rows = np.arange(len(target))
    errors = []
    for c in range(probs.shape[1]):
        gap = np.zeros((len(target), bins))
        gap[rows, confidence_bin(probs[:, c], bins=bins)] = (target == c) - probs[:, c]
        errors.append(ratio(np.abs(weights @ gap).sum(axis=-1), weights.sum(axis=-1)))
    return np.stack(errors, axis=-1)


def mean_classwise_ece(target: Ints, probs: Floats, weights: Floats | None = None, *, bins: int = ECE_BINS) -> Floats:
    """The mean over all classes of `classwise_ece`, those without a case too: classwise-ECE of Kull et al. 2019."""
    return mean_defined(classwise_ece(target, probs, weights, bins=bins), axis=-1)


def debiased_classwise_ece(
    target: Ints, probs: Floats, weights: Floats | None = None, *, bins: int = ECE_BINS
) -> Floats:
    """(..., C): the estimator of `debiased_ece` for the probability of each class."""
    return _root(_squared_classwise(target, probs, weights, bins))


def marginal_calibration_error(
    target: Ints, probs: Floats, weights: Floats | None = None, *, bins: int = ECE_BINS
) -> Floats:
    """Root of the mean over classes of the squared debiased errors (Kumar et al. 2019, section 2, equal weights)."""
    # NOTE[DIFF] The authors' code sets negative squares to 0 class by class, so that good luck of one class cannot make
    # up for bad luck of another; here it is done once, after the mean.
    return _root(mean_defined(_squared_classwise(target, probs, weights, bins), axis=-1))


def _squared_classwise(target: Ints, probs: Floats, weights: Floats | None, bins: int) -> Floats:
    errors = [_squared_error(probs[:, c], target == c, weights, bins) for c in range(probs.shape[1])]
    return np.stack(errors, axis=-1)


def _squared_error(probability: Floats, happened: NDArray[np.bool_], weights: Floats | None, bins: int) -> Floats:
    """Mean squared gap of the bins without the part that is chance; below 0 where there is less gap than chance makes.

    The variance of a weighted share is p (1 - p) Σw² / (Σw)², and p (1 - p) is estimated from the same cases: together
    p (1 - p) Σw² / ((Σw)² - Σw²), which for weights of 1 is the p (1 - p) / (n - 1) of Kumar et al.
    """
    weights = np.ones(len(happened)) if weights is None else weights
    in_bin = (_equal_mass_bin(probability, bins)[:, None] == np.arange(bins)).astype(np.float64)  # (N, bins)
    mass, squares = weights @ in_bin, weights**2 @ in_bin
    frequency = ratio(weights @ (in_bin * happened[:, None]), mass)
    gap = frequency - ratio(weights @ (in_bin * probability[:, None]), mass)
    # NOTE[DIFF] A bin with one case says nothing about its chance: left out; the authors' code counts it as no error.
    pairs = mass**2 - squares
    without_chance = gap**2 - ratio(frequency * (1 - frequency) * squares, pairs)
    some = pairs > 0
    return ratio(np.where(some, mass * without_chance, 0).sum(axis=-1), np.where(some, mass, 0).sum(axis=-1))


def _equal_mass_bin(values: Floats, bins: int) -> Ints:
    """(N,): the bin of each value when the sorted values are cut into parts of one size; equal values share a bin."""
    bins = max(1, min(bins, len(values) // 2))
    rank = np.searchsorted(np.sort(values), values, side="left")
    of_bin: Ints = (rank * bins // len(values)).astype(np.int64)
    return of_bin


def _root(squared: Floats) -> Floats:
    return np.sqrt(np.maximum(squared, 0))  # NaN stays NaN
