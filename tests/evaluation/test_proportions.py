from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from mmskin.errors import DataError
from mmskin.evaluation.proportions import exact_interval, one_per_patient


def test_none_of_n_by_hand() -> None:
    # (1 - high)^n = .025: high = 1 - .025^(1/n). For n = 10: .3085.
    assert exact_interval(0, 10) == pytest.approx((0, 10, 0, 0.3085), abs=5e-5)
    assert exact_interval(0, 50).high == pytest.approx(1 - 0.025 ** (1 / 50))
    assert exact_interval(10, 10)[2:] == pytest.approx((1 - 0.3085, 1), abs=5e-5)


def test_five_of_ten_is_the_value_of_the_tables() -> None:
    assert exact_interval(5, 10)[2:] == pytest.approx((0.1871, 0.8129), abs=5e-5)


def test_the_limits_are_the_shares_that_just_could_have_given_the_count() -> None:
    found = exact_interval(7, 40)
    assert binom.cdf(7, 40, found.high) == pytest.approx(0.025)
    assert binom.sf(6, 40, found.low) == pytest.approx(0.025)


def test_it_covers_95_times_in_100_or_more_whatever_the_share() -> None:
    intervals = [exact_interval(k, 30) for k in range(31)]
    for share in np.linspace(0.01, 0.99, 50):
        covered = sum(binom.pmf(one.k, 30, share) for one in intervals if one.low <= share <= one.high)
        assert covered >= 0.95


def test_a_patient_counts_once_and_is_an_error_if_any_case_is() -> None:
    patients = pd.Series(["b", "a", "b", "c", "a"])
    errors = np.array([False, False, True, False, False])
    assert one_per_patient(errors, patients) == exact_interval(1, 3)
    assert one_per_patient(errors | True, patients) == exact_interval(3, 3)


def test_rows_are_told_apart_by_place_not_by_index() -> None:
    patients = pd.Series(["a", "b", "b"], index=[7, 7, 2])
    assert one_per_patient(np.array([True, False, False]), patients)[:2] == (1, 2)


def test_no_case_has_no_interval() -> None:
    found = one_per_patient(np.array([], dtype=bool), pd.Series([], dtype=str))
    assert found[:2] == (0, 0)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 5)])
def test_a_count_outside_is_refused(k: int, n: int) -> None:
    with pytest.raises(DataError, match=f"however: k={k}, n={n}"):
        exact_interval(k, n)
