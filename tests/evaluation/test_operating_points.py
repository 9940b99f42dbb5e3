"""A threshold on other patients, counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mmskin.evaluation.operating_points import at_threshold

SCORES = np.array([0.9, 0.5, 0.2, 0.8, 0.1, 0.4])
INSIDE = np.array([True, True, True, False, False, False])


def test_what_reaches_the_threshold_is_flagged_a_tie_too() -> None:
    point = at_threshold(SCORES, INSIDE, threshold=0.5, weights=np.ones((1, 6)))
    assert point.sensitivity.estimate == pytest.approx(2 / 3)
    assert point.specificity.estimate == pytest.approx(2 / 3)
    assert (point.sensitivity.n, point.specificity.n) == (3, 3)


def test_a_resample_counts_patients_as_often_as_they_were_drawn() -> None:
    weights = np.vstack([np.ones(6), [3, 0, 0, 3, 0, 0], [3, 0, 0, 3, 0, 0]])
    point = at_threshold(SCORES, INSIDE, threshold=0.5, weights=weights)
    assert (point.sensitivity.low, point.sensitivity.high) == (1, 1)
    assert (point.specificity.low, point.specificity.high) == (0, 0)


def test_without_a_case_inside_there_is_no_sensitivity() -> None:
    point = at_threshold(SCORES, np.zeros(6, dtype=bool), threshold=0.5, weights=np.ones((3, 6)))
    assert math.isnan(point.sensitivity.estimate)
    assert point.specificity.n == 6
