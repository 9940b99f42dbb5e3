"""How often a model errs when it answers only the cases that it is sure of, and leaves the others to a person.

Geifman & El-Yaniv (*Selective classification for deep neural networks*, NeurIPS 2017): the cases are answered in the
order of the confidence in the answer; coverage is the share that is answered, risk the share of wrong answers among
these. The area under the curve is the mean risk over all coverages (AURC; Geifman, Uziel & El-Yaniv, *Bias-reduced
uncertainty estimation*, ICLR 2019). It falls with better answers as well as with better confidence: read it beside the
accuracy.

Cases of equal confidence come in a random order, and everything is the expected value over these orders: the order of
rows cannot matter, and an integer weight is the same as repeating the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import digamma

from mmskin.errors import ConfigError
from mmskin.evaluation.intervals import REPLICATES, draw_patients, interval, replicate
from mmskin.evaluation.metrics import Floats, Ints, Metric, mean_defined, ratio
from mmskin.evaluation.predictions import arm_names, reported_rows

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
COLUMNS = ("arm", "metric", "coverage", "estimate", "low", "high", "n", "patients")


def selective_risk(target: Ints, probs: Floats, weights: Floats | None = None, *, coverage: float) -> Floats:
    """The share of wrong answers among the most confident cases.

    Args:
        target: (N,), class codes.
        probs: (N, C).
        weights: (N,) or (R, N).
        coverage: in (0, 1], the share of the weight that is answered; the last case is answered in part.

    Returns:
        weights.shape[:-1]; NaN without weight.

    Raises:
        ConfigError: a coverage outside of (0, 1].
    """
    answered, wrong = _answered(target, probs, weights, coverage, num_groups=1, group=np.zeros_like(target))
    return ratio(wrong, answered)[..., 0]


def selective_balanced_risk(target: Ints, probs: Floats, weights: Floats | None = None, *, coverage: float) -> Floats:
    """1 - balanced accuracy among the most confident cases: the mean over the classes of their wrong answers.

    A class of which no case is answered is left out, as in all macro metrics; at low coverage the mean may so rest on
    the easy classes alone. Arguments, result and Raises as for `selective_risk`.
    """
    answered, wrong = _answered(target, probs, weights, coverage, num_groups=probs.shape[1], group=target)
    return mean_defined(ratio(wrong, answered), axis=-1)


def aurc(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """The mean of the risk over the coverages 1/n, 2/n, ... 1; lower is better, NaN without weight.

    Of m equally confident cases with e wrong ones, after W cases with E wrong ones, the j-th one is answered at the
    expected risk (E + j e / m) / (W + j). Their sum is e + (E - W e / m) (H(W + m) - H(W)), with the harmonic numbers H
    in their continuation to weights that are not whole.
    """
    weights = np.ones(len(target)) if weights is None else weights
    cases = _by_confidence(probs, weights)
    wrong = _by_confidence(probs, weights * (probs.argmax(axis=1) != target))
    cases_before, wrong_before = cases.cumsum(axis=-1) - cases, wrong.cumsum(axis=-1) - wrong
    share = np.nan_to_num(ratio(wrong, cases))
    harmonic = digamma(cases_before + cases + 1) - digamma(cases_before + 1)
    summed = wrong + (wrong_before - cases_before * share) * harmonic
    return ratio(summed.sum(axis=-1), weights.sum(axis=-1))


def risk_coverage(
    table: pd.DataFrame, *, coverages: Sequence[float] = COVERAGES, replicates: int = REPLICATES, seed: int = 0
) -> pd.DataFrame:
    """The curve of every arm on its test rows, with its area, each with an interval from resampled patients.

    Args:
        table: predictions; only test rows are read. Folds are pooled: their confidence is put on one scale.
        coverages: each in (0, 1].
        replicates: number of resamples of patients.
        seed: of the resamples, which are the same for all arms.

    Returns:
        A row by arm, metric and coverage: arm; metric: "risk", "balanced_risk" or "aurc"; coverage: NaN for aurc;
        estimate, low, high: averaged over seeds; n, patients: test cases and their patients.

    Raises:
        ConfigError: a coverage outside of (0, 1].
    """
    test = reported_rows(table)
    resamples = draw_patients(test["patient_id"], replicates=replicates, seed=seed)
    points = {
        (name, coverage): Metric(name, partial(compute, coverage=coverage), "scalar", "lower")
        for name, compute in (("risk", selective_risk), ("balanced_risk", selective_balanced_risk))
        for coverage in coverages
    }
    points["aurc", float("nan")] = Metric("aurc", aurc, "scalar", "lower")
    metrics = {str(place): metric for place, metric in enumerate(points.values())}
    lines: list[tuple[object, ...]] = []
    for arm in arm_names(test):
        rows = test[test["arm"] == arm]
        found = replicate(rows, resamples=resamples, metrics=metrics)
        size = rows["case_id"].nunique(), rows["patient_id"].nunique()
        for point, values in zip(points, found.values(), strict=True):
            lines.append((arm, *point, float(values[0]), *interval(values), *size))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _answered(
    target: Ints, probs: Floats, weights: Floats | None, coverage: float, *, num_groups: int, group: Ints
) -> tuple[Floats, Floats]:
    """(..., G) each: weight of the answered cases, and of the wrong ones among them, by group of cases."""
    if not 0 < coverage <= 1:
        raise ConfigError(f"coverage must lie in (0, 1], however: coverage={coverage}")
    weights = np.ones(len(target)) if weights is None else weights
    taken = weights * _part_taken(probs, weights, coverage)
    in_group = (group[:, None] == np.arange(num_groups)).astype(np.float64)
    is_wrong = probs.argmax(axis=1) != target
    return taken @ in_group, taken @ (in_group * is_wrong[:, None])


def _part_taken(probs: Floats, weights: Floats, coverage: float) -> Floats:
    """(..., N): the part of each case that is answered; the cases of the last confidence share what is left."""
    cases = _by_confidence(probs, weights)
    left = coverage * weights.sum(axis=-1, keepdims=True) - (cases.cumsum(axis=-1) - cases)
    part: Floats = np.clip(np.nan_to_num(ratio(left, cases)), 0, 1)
    return part[..., _confidence_rank(probs)]


def _by_confidence(probs: Floats, values: Floats) -> Floats:
    """(..., K): sums of (..., N) over the cases of equal confidence, the most confident ones first."""
    rank = _confidence_rank(probs)
    order = np.argsort(rank, kind="stable")
    starts = np.flatnonzero(np.diff(rank[order], prepend=-1))
    sums: Floats = np.add.reduceat(values[..., order], starts, axis=-1)
    return sums


def _confidence_rank(probs: Floats) -> NDArray[np.intp]:
    return np.unique(-probs.max(axis=1), return_inverse=True)[1]
