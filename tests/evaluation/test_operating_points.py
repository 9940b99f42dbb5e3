"""Thresholds that were chosen before and thresholds chosen here, counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from mmskin.errors import ConfigError
from mmskin.evaluation.operating_points import at_sensitivity, at_specificity, at_threshold

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


@pytest.mark.parametrize(
    ("sensitivity", "threshold", "reached", "specificity"), [(0.3, 0.9, 1, 3), (0.6, 0.5, 2, 2), (1, 0.2, 3, 1)]
)
def test_the_highest_threshold_that_reaches_a_sensitivity(sensitivity, threshold, reached, specificity) -> None:
    point = at_sensitivity(SCORES, INSIDE, sensitivity=sensitivity, weights=np.ones((1, 6)))
    assert point.threshold.estimate == threshold
    assert point.sensitivity.estimate == pytest.approx(reached / 3)
    assert point.specificity.estimate == pytest.approx(specificity / 3)
    assert [share.n for share in point] == [3, 3, 3]


@pytest.mark.parametrize(("specificity", "above", "sensitivity"), [(0.3, 0.1, 3), (2 / 3, 0.4, 2), (1, 0.8, 1)])
def test_the_lowest_threshold_that_reaches_a_specificity(specificity, above, sensitivity) -> None:
    point = at_specificity(SCORES, INSIDE, specificity=specificity, weights=np.ones((1, 6)))
    assert above < point.threshold.estimate == pytest.approx(above, abs=1e-15)
    assert point.specificity.estimate >= specificity
    assert point.sensitivity.estimate == pytest.approx(sensitivity / 3)


def test_a_share_that_float64_cannot_write_asks_for_no_case_more() -> None:
    assert 0.56 * 25 > 14
    point = at_sensitivity(np.arange(25.0), np.ones(25, dtype=bool), sensitivity=0.56, weights=np.ones((1, 25)))
    assert point.threshold.estimate == 11
    assert point.sensitivity.estimate == 0.56


@pytest.mark.parametrize("aim", [0.5, 0.8, 0.95])
def test_chosen_points_are_corners_of_the_curve_of_scikit_learn(aim) -> None:
    rng = np.random.default_rng(0)
    inside = np.arange(60) < 20
    scores = np.round(rng.random(60) + 0.4 * inside, 1)  # ties
    fpr, tpr, _ = roc_curve(inside, scores, drop_intermediate=False)
    point = at_sensitivity(scores, inside, sensitivity=aim, weights=np.ones((1, 60)))
    corner = int(np.argmax(tpr >= aim - 1e-12))
    assert point.sensitivity.estimate == pytest.approx(tpr[corner])
    assert point.specificity.estimate == pytest.approx(1 - fpr[corner])
    point = at_specificity(scores, inside, specificity=aim, weights=np.ones((1, 60)))
    corner = int(np.flatnonzero(1 - fpr >= aim - 1e-12)[-1])
    assert point.specificity.estimate == pytest.approx(1 - fpr[corner])
    assert point.sensitivity.estimate == pytest.approx(tpr[corner])


@pytest.mark.parametrize("choose", [at_sensitivity, at_specificity])
def test_every_resample_chooses_for_itself(choose) -> None:
    rng = np.random.default_rng(1)
    inside = np.arange(40) < 15
    scores = np.round(rng.random(40) + 0.4 * inside, 2)
    weights = rng.multinomial(40, np.full(40, 1 / 40), size=20).astype(float)
    aim = {choose.__name__.removeprefix("at_"): 0.8}
    alone = []
    for one in weights.astype(int):
        rows = np.repeat(np.arange(40), one)
        alone.append(choose(scores[rows], inside[rows], weights=np.ones((1, len(rows))), **aim))
    together = choose(scores, inside, weights=np.vstack([np.ones(40), weights]), **aim)
    for part in ("threshold", "sensitivity", "specificity"):
        values = [getattr(point, part).estimate for point in alone]
        low, high = np.quantile(values, [0.025, 0.975])
        assert getattr(together, part)[1:3] == pytest.approx((low, high))
    assert together.threshold.low < together.threshold.high


@pytest.mark.parametrize("choose", [at_sensitivity, at_specificity])
def test_without_a_case_to_choose_by_there_is_no_point(choose) -> None:
    name = choose.__name__.removeprefix("at_")
    inside = np.full(6, choose is at_specificity)
    point = choose(SCORES, inside, weights=np.ones((3, 6)), **{name: 0.9})
    assert all(math.isnan(share.estimate) for share in point)
    none_drawn = np.vstack([np.ones(6), ~INSIDE if choose is at_sensitivity else INSIDE])
    point = choose(SCORES, INSIDE, weights=none_drawn, **{name: 0.9})
    assert all(math.isfinite(share.estimate) and math.isnan(share.low) for share in point)


@pytest.mark.parametrize("aim", [0, 1.1])
def test_an_aim_outside_is_refused(aim) -> None:
    with pytest.raises(ConfigError, match=f"sensitivity must lie in .0, 1., however: sensitivity={aim}"):
        at_sensitivity(SCORES, INSIDE, sensitivity=aim, weights=np.ones((1, 6)))
    with pytest.raises(ConfigError, match=f"specificity={aim}"):
        at_specificity(SCORES, INSIDE, specificity=aim, weights=np.ones((1, 6)))
