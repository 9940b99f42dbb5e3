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

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import digamma

from mmskin.errors import ConfigError
from mmskin.evaluation.intervals import CHUNK, REPLICATES, Resamples, draw_patients, interval
from mmskin.evaluation.metrics import Floats, Ints, mean_defined, ratio
from mmskin.evaluation.predictions import arm_names, probabilities, reported_rows, target_codes

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
COLUMNS = ("arm", "metric", "coverage", "estimate", "low", "high", "n", "patients")


def selective_risk(
    target: Ints, probs: Floats, weights: Floats | None = None, *, coverages: Sequence[float] = COVERAGES
) -> Floats:
    """(..., K): the share of wrong answers among the most confident cases, for each of K coverages.

    Args:
        target: (N,), class codes.
        probs: (N, C).
        weights: (N,) or (R, N).
        coverages: (K,), each in (0, 1]: the share of the weight that is answered; the last case is answered in part.

    Returns:
        weights.shape[:-1] + (K,); NaN without weight.

    Raises:
        ConfigError: a coverage outside of (0, 1].
    """
    answered, wrong = _answered(target, probs, weights, coverages, of=[np.full(len(target), True)])
    return ratio(wrong, answered)[..., 0]


def selective_balanced_risk(
    target: Ints, probs: Floats, weights: Floats | None = None, *, coverages: Sequence[float] = COVERAGES
) -> Floats:
    """(..., K): 1 - balanced accuracy among the most confident cases, the mean over classes of their wrong answers.

    A class of which no case is answered is left out, as in all macro metrics; at low coverage the mean may so rest on
    the easy classes alone. Arguments, result and Raises as for `selective_risk`.
    """
    answered, wrong = _answered(target, probs, weights, coverages, of=[target == c for c in range(probs.shape[1])])
    return mean_defined(ratio(wrong, answered), axis=-1)


def aurc(target: Ints, probs: Floats, weights: Floats | None = None) -> Floats:
    """The mean of the risk over the coverages 1/n, 2/n, ... 1; lower is better, NaN without weight.

    Of m equally confident cases with e wrong ones, after W cases with E wrong ones, the j-th one is answered at the
    expected risk (E + j e / m) / (W + j). Their sum is e + (E - W e / m) (H(W + m) - H(W)), with the harmonic numbers H
    in their continuation to weights that are not whole.
    """
    order, starts = _falling_confidence(probs)
    ordered = (np.ones(len(target)) if weights is None else weights)[..., order]
    is_wrong = (probs.argmax(axis=1) != target)[order]
    cases = np.add.reduceat(ordered, starts, axis=-1)
    wrong = np.add.reduceat(ordered * is_wrong, starts, axis=-1)
    cases_before, wrong_before = cases.cumsum(axis=-1) - cases, wrong.cumsum(axis=-1) - wrong
    share = np.nan_to_num(ratio(wrong, cases))
    harmonic = digamma(cases_before + cases + 1) - digamma(cases_before + 1)
    summed = wrong + (wrong_before - cases_before * share) * harmonic
    return ratio(summed.sum(axis=-1), cases.sum(axis=-1))


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
    points = [(name, float(coverage)) for name in ("risk", "balanced_risk") for coverage in coverages]
    points.append(("aurc", float("nan")))
    lines: list[tuple[object, ...]] = []
    for arm in arm_names(test):
        rows = test[test["arm"] == arm]
        size = rows["case_id"].nunique(), rows["patient_id"].nunique()
        for point, values in zip(points, _replicated(rows, resamples, coverages).T, strict=True):
            lines.append((arm, *point, float(values[0]), *interval(values), *size))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _replicated(rows: pd.DataFrame, resamples: Resamples, coverages: Sequence[float]) -> Floats:
    """(1 + R, 2 K + 1): risks, balanced risks and area of one arm in every resample, the mean over seeds."""
    seeds = [one_seed for _, one_seed in rows.groupby("seed", sort=True)]
    size = max(1, CHUNK // max(len(one_seed) for one_seed in seeds))
    chunks = []
    for start in range(0, len(resamples.counts), size):
        by_seed = []
        for one_seed in seeds:
            weights = resamples.weights(one_seed["patient_id"], part=slice(start, start + size))
            given = target_codes(one_seed), probabilities(one_seed), weights
            risks = (compute(*given, coverages=coverages) for compute in (selective_risk, selective_balanced_risk))
            by_seed.append(np.concatenate([*risks, aurc(*given)[:, None]], axis=1))
        chunks.append(mean_defined(np.stack(by_seed), axis=0))
    return np.concatenate(chunks)


def _answered(
    target: Ints, probs: Floats, weights: Floats | None, coverages: Sequence[float], *, of: Sequence[NDArray[np.bool_]]
) -> tuple[Floats, Floats]:
    """(..., K, G) each: weight of the answered cases, and of the wrong ones among them, in each of G sets of cases."""
    for coverage in coverages:
        if not 0 < coverage <= 1:
            raise ConfigError(f"coverage must lie in (0, 1], however: coverage={coverage}")
    order, starts = _falling_confidence(probs)
    ordered = (np.ones(len(target)) if weights is None else weights)[..., order]
    is_wrong = (probs.argmax(axis=1) != target)[order]
    reached = np.add.reduceat(ordered, starts, axis=-1).cumsum(axis=-1)
    # .56 of 25 cases are 14.000000000000002 in float64: a sliver of the 15th must not make its class an answered one.
    aims = reached[..., -1:] * np.asarray(coverages) * (1 - 1e-9)  # (..., K)
    last = np.stack([(reached < aim[..., None]).sum(axis=-1) for aim in np.moveaxis(aims, -1, 0)], axis=-1)
    share_missing = _share_missing(reached, aims, last)

    def sums(chosen: NDArray[np.bool_]) -> Floats:
        sofar = np.add.reduceat(ordered * chosen, starts, axis=-1).cumsum(axis=-1)
        before, after = _around(sofar, last)
        return after - share_missing * (after - before)

    sets = [chosen[order] for chosen in of]
    answered, wrong = [sums(chosen) for chosen in sets], [sums(chosen & is_wrong) for chosen in sets]
    return np.stack(answered, axis=-1), np.stack(wrong, axis=-1)


def _share_missing(reached: Floats, aims: Floats, last: NDArray[np.intp]) -> Floats:
    """(..., K): of the cases of the last confidence that is answered, the part that is not."""
    before, after = _around(reached, last)
    return np.nan_to_num(ratio(after - aims, after - before))


def _around(sofar: Floats, place: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Sums before the cases of a confidence and with them."""
    with_them = np.take_along_axis(sofar, place, axis=-1)
    return np.where(place > 0, np.take_along_axis(sofar, np.maximum(place - 1, 0), axis=-1), 0), with_them


def _falling_confidence(probs: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(N,), the order of the cases from the surest on, and the places in it where another confidence starts."""
    confidence = probs.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    return order, np.flatnonzero(np.diff(confidence[order], prepend=np.inf))
