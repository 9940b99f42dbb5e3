"""The luck of training in the interval of a difference: by hand, where there is none, and on average over made data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from mmskin.evaluation import paired_difference
from mmskin.evaluation.training_seeds import SwapVariance, swap_variance, widening


def accuracy(rows: pd.DataFrame) -> float:
    return float(rows["right"].mean())


def rows_of(right: dict[tuple[int, int], list[int]]) -> pd.DataFrame:
    """Whether the answers are right, by seed and fold."""
    lines = [
        (seed, fold, f"c{fold}{case}", hit) for (seed, fold), hits in right.items() for case, hit in enumerate(hits)
    ]
    return pd.DataFrame(lines, columns=["seed", "fold", "case_id", "right"])


def test_the_model_of_one_fold_is_swapped_at_a_time() -> None:
    # Of four cases; fold 0 has 2 right with seed 0 and 1 with seed 1: accuracies that differ by 1/4, variance 1/32.
    rows = rows_of({(0, 0): [1, 1], (1, 0): [1, 0], (0, 1): [1, 0], (1, 1): [0, 1]})
    found = swap_variance(rows, accuracy)
    assert found.by_fold == pytest.approx((1 / 32 / 2, 0.0))
    assert found.dof == 1


def test_one_seed_says_nothing_of_the_luck_of_training() -> None:
    assert swap_variance(rows_of({(0, 0): [1, 0]}), accuracy) == SwapVariance((), 0)


def test_the_stretch_by_hand() -> None:
    # Two seeds whose differences in the resamples are (0, 2, 0, 2) and (0, 0, 2, 2): each has variance 4/3, their
    # covariance is 0, and their mean (0, 1, 1, 2) has variance 2/3.
    by_seed = np.array([[0.0, 2.0, 0.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
    swaps = [SwapVariance((1.0, 2.0), 1), SwapVariance((3.0,), 2)]
    dof = 6.0**2 / (1 + 4 + 9 / 2)
    assert widening(by_seed, swaps) == pytest.approx(np.sqrt(6 / (2 / 3)) * t.ppf(0.975, dof) / 1.959964)


def test_without_luck_nothing_is_stretched() -> None:
    by_seed = np.random.default_rng(0).normal(size=(3, 100))
    assert widening(by_seed, [SwapVariance((), 0), SwapVariance((0.0, 0.0), 2)]) == 1


def test_an_arm_that_draws_nothing_has_the_interval_of_one_seed(make_predictions) -> None:
    rows, other = make_predictions(seeds=1), make_predictions(seeds=1, arm="late", rng_seed=1)
    once = paired_difference(other, rows, replicates=100)
    thrice = [pd.concat([of.assign(seed=seed) for seed in range(3)]) for of in (other, rows)]
    found = paired_difference(*thrice, replicates=100)
    assert (found.low, found.high, found.p) == pytest.approx((once.low, once.high, once.p), abs=1e-9)


def test_resamples_in_which_a_seed_is_undefined_are_left_out() -> None:
    by_seed = np.array([[0.0, 2.0, 0.0, 2.0, np.nan], [0.0, 0.0, 2.0, 2.0, 1.0]])
    assert widening(by_seed, [SwapVariance((6.0,), 5)]) == widening(by_seed[:, :4], [SwapVariance((6.0,), 5)])


@pytest.mark.parametrize("luck", [0.0, 0.05])
def test_on_average_the_variance_is_that_of_many_studies(luck: float) -> None:
    """Studies of 100 patients and three models, each with a luck of its own and with answers of its own beside it."""
    rng, seeds, n = np.random.default_rng(1), 3, 100
    estimates, variances = [], []
    for _ in range(1500):
        patients = rng.normal(0, 0.3, n)
        values = patients + rng.normal(0, 0.4, (seeds, n)) + luck * rng.normal(size=(seeds, 1))
        estimates.append(values.mean())
        # The covariance that resamples of the patients would show, and the variance of the seeds' means.
        covariance = np.cov(values) / n
        between = values.mean(axis=1).var(ddof=1) / seeds
        variances.append(between + (covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1)))
    assert np.mean(variances) == pytest.approx(np.var(estimates), rel=0.1)
