"""Two-sample tests against scipy, against a textbook, and against draws of one population."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2_contingency, f, ttest_ind

from mmskin.evaluation.two_samples import Moments, counts_differ, means_differ, moments_of


def test_counts_are_compared_by_pearsons_chi_square() -> None:
    before, now = np.array([30, 50, 20]), np.array([60, 30, 40])
    assert counts_differ(before, now) == pytest.approx(chi2_contingency([before, now], correction=False).pvalue)


def test_categories_too_rare_for_the_distribution_are_counted_together() -> None:
    # 1 + 1 and 2 + 1 patients of 200: together they are one category of 5, and then join the next rarest
    before, now = np.array([60, 35, 1, 2, 2]), np.array([55, 43, 1, 1, 0])
    merged = chi2_contingency([[60, 40], [55, 45]], correction=False).pvalue
    assert counts_differ(before, now) == pytest.approx(merged)


def test_one_category_is_no_difference_and_an_empty_sample_says_nothing() -> None:
    assert counts_differ(np.array([40, 0]), np.array([30, 0])) == 1
    assert math.isnan(counts_differ(np.array([40, 2]), np.array([0, 0])))


def test_in_one_dimension_hotelling_is_students_t() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=(40, 1)), rng.normal(0.4, size=(30, 1))
    expected = ttest_ind(before[:, 0], now[:, 0]).pvalue
    assert means_differ(moments_of(before), moments_of(now)) == pytest.approx(expected)


def test_in_two_dimensions_it_is_the_formula_by_hand() -> None:
    # n = m = 10, S = I, d = (1, 0): T² = 5, F = 17 / 36 · 5
    one = Moments(10, np.zeros(2), np.eye(2))
    other = Moments(10, np.array([1.0, 0.0]), np.eye(2))
    assert means_differ(one, other) == pytest.approx(f.sf(17 / 36 * 5, 2, 17))


def test_samples_of_one_population_differ_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(1)
    draws = [
        means_differ(moments_of(rng.normal(size=(80, 8))), moments_of(rng.normal(size=(60, 8)))) for _ in range(400)
    ]
    assert np.mean(np.array(draws) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_fewer_patients_than_dimensions_say_nothing() -> None:
    few = moments_of(np.random.default_rng(0).normal(size=(5, 12)))
    assert math.isnan(means_differ(few, few))
