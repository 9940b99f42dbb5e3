"""What a threshold does: one that was chosen before on other patients, or one chosen on these patients themselves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmskin.errors import ConfigError
from mmskin.evaluation.intervals import interval
from mmskin.evaluation.metrics import Floats, ratio

Bools = NDArray[np.bool_]


class Share(NamedTuple):
    """Cases counted over all: a share with its interval from resampled patients, NaN where there is no case."""

    estimate: float
    low: float
    high: float
    n: int


class OperatingPoint(NamedTuple):
    """Sensitivity of the cases inside, specificity of those outside."""

    sensitivity: Share
    specificity: Share


class ChosenPoint(NamedTuple):
    """An operating point whose threshold was chosen on the same cases, and anew in every resample.

    So all three intervals hold the choice of the threshold.

    threshold: on the scale of the scores; its n counts the cases that it was chosen by.
    sensitivity, specificity: see `OperatingPoint`. The one that was aimed at hardly varies.
    """

    threshold: Share
    sensitivity: Share
    specificity: Share


def at_threshold(scores: Floats, inside: Bools, *, threshold: float, weights: Floats) -> OperatingPoint:
    """Cases whose score reaches the threshold are taken for those inside.

    Args:
        scores: (N,) probability of a class group.
        inside: (N,) whether the case is of the group.
        threshold: a score that equals it is above.
        weights: (1 + R, N), the data first; see `mmskin.evaluation.intervals.Resamples`.
    """
    flagged = scores >= threshold
    return OperatingPoint(_share(flagged, inside, weights), _share(~flagged, ~inside, weights))


def at_sensitivity(scores: Floats, inside: Bools, *, sensitivity: float, weights: Floats) -> ChosenPoint:
    """The highest threshold that reaches a sensitivity: the rule of the thresholds that a trained model keeps.

    Args:
        scores: (N,).
        inside: (N,).
        sensitivity: aimed at, in (0, 1]. What comes out is the next one that the cases allow, at or above it.
        weights: (1 + R, N), the data first.

    Returns:
        All three NaN in the data where no case is inside; a resample without one is left out of the intervals.

    Raises:
        ConfigError: a sensitivity outside of (0, 1].
    """
    _check_aim("sensitivity", sensitivity)
    thresholds = -_reached(-scores[inside], weights[:, inside], sensitivity)
    return _chosen(scores, inside, thresholds, inside, weights)


def at_specificity(scores: Floats, inside: Bools, *, specificity: float, weights: Floats) -> ChosenPoint:
    """The lowest threshold that reaches a specificity.

    It lies right above the score of a case outside, by the least step of float64: rounded in a table it equals it.

    Args:
        scores: (N,).
        inside: (N,).
        specificity: aimed at, in (0, 1]. What comes out is the next one that the cases allow, at or above it.
        weights: (1 + R, N), the data first.

    Returns:
        All three NaN in the data where no case is outside; a resample without one is left out of the intervals.

    Raises:
        ConfigError: a specificity outside of (0, 1].
    """
    _check_aim("specificity", specificity)
    last_passed = _reached(scores[~inside], weights[:, ~inside], specificity)
    return _chosen(scores, inside, np.nextafter(last_passed, np.inf), ~inside, weights)


def _reached(values: Floats, weights: Floats, share: float) -> Floats:
    """(1 + R,): the lowest value at or below which this share of the weight lies; NaN without weight."""
    if not len(values):
        return np.full(len(weights), np.nan)
    order = np.argsort(values)
    weight = weights[:, order].cumsum(axis=1)
    aim = share * weight[:, -1:] * (1 - 1e-9)  # .56 of 25 cases are 14, not the 14.000000000000002 of float64
    found: Floats = values[order][(weight < aim).sum(axis=1)]
    return np.where(weight[:, -1] > 0, found, np.nan)


def _chosen(scores: Floats, inside: Bools, thresholds: Floats, chosen_by: Bools, weights: Floats) -> ChosenPoint:
    flagged = scores >= thresholds[:, None]  # (1 + R, N)
    low, high = interval(thresholds)
    threshold = Share(float(thresholds[0]), low, high, int(chosen_by.sum()))
    weights = np.where(np.isnan(thresholds)[:, None], 0, weights)  # no threshold, no share
    return ChosenPoint(threshold, _share(flagged, inside, weights), _share(~flagged, ~inside, weights))


def _check_aim(what: str, aim: float) -> None:
    if not 0 < aim <= 1:
        raise ConfigError(f"{what} must lie in (0, 1], however: {what}={aim}")


def _share(part: Bools, whole: Bools, weights: Floats) -> Share:
    """part: (N,), or (1 + R, N) where it differs by resample."""
    total = weights @ whole.astype(np.float64)
    drawn = ratio((weights * (part & whole)).sum(axis=1), total)
    low, high = interval(drawn)
    return Share(float(drawn[0]), low, high, int(whole.sum()))
