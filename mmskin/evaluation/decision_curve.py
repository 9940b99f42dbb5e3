"""Is it better to act on the answers of a model than to act on everybody, or on nobody?

Vickers & Elkin (*Decision curve analysis*, Medical Decision Making 2006): who would excise a lesion from a risk t on
holds 1 / t - 1 needless excisions as bad as one missed cancer. So a true positive counts 1, a false one t / (1 - t):

    net benefit = TP / n - FP / n · t / (1 - t).

It is read across the range of thresholds that reasonable people hold, not at its highest point, and it asks for
calibrated probabilities: those of 10 % must be right in one case of ten.

A data set of biopsied lesions holds far more cancers than a practice. `prevalence` re-weighs the cases inside and
outside of the group to a share that is given; sensitivity and specificity at the threshold stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.errors import ConfigError
from mmskin.evaluation.intervals import interval
from mmskin.evaluation.metrics import Floats, ratio

Bools = NDArray[np.bool_]

MODEL, ALL, NONE = "model", "all", "none"
COLUMNS = (
    *("threshold", "strategy", "net_benefit", "low", "high"),
    *("standardized", "standardized_low", "standardized_high"),
)


class BiopsiesPerCancer(NamedTuple):
    """Flagged cases for one that is of the group, with its interval from resampled patients.

    1 is ideal, 1 / prevalence what flagging everybody gives; inf where cases are flagged and none is of the group, NaN
    where no case is flagged. flagged, found: cases in the data, without weights.
    """

    estimate: float
    low: float
    high: float
    flagged: int
    found: int


def net_benefit(
    flagged: Bools, inside: Bools, *, threshold: float, weights: Floats, prevalence: float | None = None
) -> Floats:
    """(R,): true positives a case, minus false positives a case at the exchange rate of the threshold.

    Args:
        flagged: (N,), the cases that are acted on; all of them for treating everybody.
        inside: (N,), the cases that are of the class group.
        threshold: in [0, 1): the risk from which on acting is right.
        weights: (R, N).
        prevalence: of the group, in [0, 1]; that of the cases if not given.

    Returns:
        At most the prevalence; without limit below; 0 where nothing is flagged. NaN without weight, and without weight
        on either side if the prevalence is given.

    Raises:
        ConfigError: threshold outside of [0, 1), or prevalence outside of [0, 1].
    """
    _check(threshold, prevalence)
    weights = at_prevalence(inside, weights, prevalence)
    true, false = weights @ (flagged & inside), weights @ (flagged & ~inside)
    return ratio(true - false * threshold / (1 - threshold), weights.sum(axis=-1))


def decision_curve(
    scores: Floats,
    inside: Bools,
    *,
    thresholds: Sequence[float],
    weights: Floats,
    prevalence: float | None = None,
) -> pd.DataFrame:
    """Net benefit of acting on the model, on everybody and on nobody, threshold by threshold.

    Args:
        scores: (N,), probability of the class group; from the threshold on, a case is acted on.
        inside: (N,), whether the case is of the group.
        thresholds: each in [0, 1).
        weights: (1 + R, N), the data first; see `mmskin.evaluation.intervals.Resamples`.
        prevalence: see `net_benefit`.

    Returns:
        A row by threshold and strategy: threshold; strategy: "model", "all" or "none"; net_benefit, low, high;
        standardized, standardized_low, standardized_high: net benefit over prevalence, 1 at best (Kerr et al., Journal
        of Clinical Oncology 2016), NaN where the prevalence is 0.

    Raises:
        ConfigError: see `net_benefit`.
    """
    _check(0, prevalence)
    weights = at_prevalence(inside, weights, prevalence)
    share = net_benefit(np.ones_like(inside), inside, threshold=0, weights=weights)
    lines: list[tuple[object, ...]] = []
    for threshold in thresholds:
        acted_on = {MODEL: scores >= threshold, ALL: np.ones_like(inside), NONE: np.zeros_like(inside)}
        for strategy, flagged in acted_on.items():
            benefit = net_benefit(flagged, inside, threshold=threshold, weights=weights)
            standardized = ratio(benefit, share)
            facts = (float(benefit[0]), *interval(benefit), float(standardized[0]), *interval(standardized))
            lines.append((float(threshold), strategy, *facts))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def biopsies_per_cancer(
    scores: Floats, inside: Bools, *, threshold: float, weights: Floats, prevalence: float | None = None
) -> BiopsiesPerCancer:
    """Number needed to biopsy: cases flagged for each that is of the group, 1 / positive predictive value.

    The interval is that of the predictive value, turned over: a resample that flags without finding is infinitely many
    biopsies for a cancer, which no quantile of the number itself could hold.

    Args:
        scores: (N,).
        inside: (N,).
        threshold: a score that equals it is flagged. Any number: it need not be a risk.
        weights: (1 + R, N), the data first.
        prevalence: see `net_benefit`.

    Raises:
        ConfigError: prevalence outside of [0, 1].
    """
    _check(0, prevalence)
    flagged = scores >= threshold
    weighed = at_prevalence(inside, weights, prevalence)
    value = ratio(weighed @ (flagged & inside), weighed @ flagged)
    low, high = interval(value)
    return BiopsiesPerCancer(
        _turned_over(float(value[0])),
        _turned_over(high),
        _turned_over(low),
        int(flagged.sum()),
        int((flagged & inside).sum()),
    )


def at_prevalence(inside: Bools, weights: Floats, prevalence: float | None) -> Floats:
    """(R, N): weights under which the group has this share in every resample, summing to 1; as they are if None.

    NaN where a side has no weight.
    """
    if prevalence is None:
        return weights
    sides = ((inside, prevalence), (~inside, 1 - prevalence))
    parts = [ratio(weights * side * share, weights[:, side].sum(axis=1, keepdims=True)) for side, share in sides]
    return parts[0] + parts[1]


def _turned_over(value: float) -> float:
    return 1 / value if value else math.inf


def _check(threshold: float, prevalence: float | None) -> None:
    if not 0 <= threshold < 1:
        raise ConfigError(f"threshold must lie in [0, 1), however: threshold={threshold}")
    if prevalence is not None and not 0 <= prevalence <= 1:
        raise ConfigError(f"prevalence must lie in [0, 1], however: prevalence={prevalence}")
