"""Probabilities under another prior: against Bayes' rule on data whose posterior is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from mmskin.errors import DataError
from mmskin.evaluation.metrics import Floats, Ints, log_loss
from mmskin.trained.class_calibration import fit_class_calibration
from mmskin.trained.prior_shift import estimated_prior, restated

MEANS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
SHARES = np.array([0.7, 0.2, 0.1])
ELSEWHERE = np.array([0.2, 0.3, 0.5])


def drawn(n: int, shares: Floats, *, seed: int) -> tuple[Floats, Ints]:
    """Points of three normal classes, and their classes."""
    rng = np.random.default_rng(seed)
    target = rng.choice(3, size=n, p=shares)
    return MEANS[target] + rng.normal(size=(n, 2)), target.astype(np.int64)


def posterior(points: Floats, shares: Floats) -> Floats:
    """Bayes' own."""
    return softmax(points @ MEANS.T - 0.5 * (MEANS**2).sum(axis=1) + np.log(shares), axis=1)


def test_bayes_rule_leads_from_one_prior_to_another_and_back() -> None:
    points, _ = drawn(200, SHARES, seed=0)
    here, there = posterior(points, SHARES), posterior(points, ELSEWHERE)
    assert np.allclose(restated(here, of=SHARES, to=ELSEWHERE), there)
    assert np.allclose(restated(there, of=ELSEWHERE, to=SHARES), here)


def test_by_hand() -> None:
    assert restated(np.array([[0.5, 0.5]]), of=np.array([0.5, 0.5]), to=np.array([0.9, 0.1])).tolist() == [[0.9, 0.1]]


def test_answers_of_a_balanced_loss_that_are_too_sure_come_back_to_the_shares_of_the_rows() -> None:
    points, target = drawn(4000, SHARES, seed=1)
    balanced = np.log(posterior(points, np.full(3, 1 / 3)))
    fitted = fit_class_calibration(2.5 * balanced, target)
    fresh, classes = drawn(4000, SHARES, seed=2)
    answers = fitted.probabilities(2.5 * np.log(posterior(fresh, np.full(3, 1 / 3))))
    assert fitted.temperature == pytest.approx(2.5, rel=0.1)
    assert np.abs(answers - posterior(fresh, SHARES)).mean() < 0.01
    assert float(log_loss(classes, answers)) == pytest.approx(
        float(log_loss(classes, posterior(fresh, SHARES))), abs=0.01
    )
    assert fitted.prior == pytest.approx(SHARES, abs=0.02)


def test_the_mean_answer_is_the_share_of_each_class() -> None:
    points, target = drawn(3000, SHARES, seed=3)
    fitted = fit_class_calibration(np.log(posterior(points, ELSEWHERE)), target)
    told = fitted.probabilities(np.log(posterior(points, ELSEWHERE))).mean(axis=0)
    assert told == pytest.approx(np.bincount(target) / 3000, abs=2e-3)


def test_a_class_that_no_row_has_keeps_a_finite_bias() -> None:
    points, target = drawn(300, np.array([0.5, 0.5, 0.0]), seed=4)
    fitted = fit_class_calibration(np.log(posterior(points, np.full(3, 1 / 3))), target)
    assert np.isfinite(fitted.bias).all()
    assert (fitted.prior > 0).all()


def test_a_class_that_is_ruled_out_stays_so() -> None:
    points, target = drawn(300, SHARES, seed=5)
    logs = np.log(posterior(points, SHARES))
    logs[:10, 2] = -np.inf
    answers = fit_class_calibration(logs, target).probabilities(logs)
    assert np.isfinite(answers).all()
    assert (answers[:10, 2] == 0).all()


def test_shares_without_labels_are_those_of_the_drawn_cases() -> None:
    points, target = drawn(5000, ELSEWHERE, seed=6)
    found = estimated_prior(posterior(points, SHARES), of=SHARES)
    assert found == pytest.approx(np.bincount(target) / 5000, abs=0.03)
    assert found.sum() == pytest.approx(1)


def test_estimation_ends_where_the_mean_answer_with_a_case_a_class_of_before_is_the_prior_itself() -> None:
    points, _ = drawn(2000, ELSEWHERE, seed=7)
    answers = posterior(points, SHARES)
    found = estimated_prior(answers, of=SHARES)
    now = restated(answers, of=SHARES, to=found).sum(axis=0)
    assert (now + 3 * SHARES) / 2003 == pytest.approx(found, abs=1e-6)


def test_answers_that_say_nothing_leave_every_class_its_share() -> None:
    assert estimated_prior(np.tile(SHARES, (24, 1)), of=SHARES) == pytest.approx(SHARES)
    hardly = np.tile(SHARES, (24, 1)) + np.array([0.002, -0.001, -0.001])
    assert estimated_prior(hardly, of=SHARES).min() > 0.01


def test_without_a_case_there_is_nothing_to_fit() -> None:
    with pytest.raises(DataError, match="0 cases"):
        fit_class_calibration(np.zeros((0, 3)), np.zeros(0, dtype=np.int64))
