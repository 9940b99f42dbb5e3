"""What a threshold that was chosen before does on other patients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmskin.evaluation.intervals import interval
from mmskin.evaluation.metrics import Floats

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


def _share(part: Bools, whole: Bools, weights: Floats) -> Share:
    total = weights @ whole.astype(np.float64)
    drawn = np.divide(weights @ (part & whole), total, out=np.full(len(weights), np.nan), where=total > 0)
    low, high = interval(drawn)
    return Share(float(drawn[0]), low, high, int(whole.sum()))
