from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from mmskin.errors import ConfigError
from mmskin.evaluation import permutation
from mmskin.evaluation.permutation import permutation_test


def test_three_patients_by_hand():
    # Patient a: right 1 of 1 against 0; b: 2 of 2 against 0; c: 0 of 1 against 1. Sum 1 + 2 - 1 of 4 cases.
    # The eight swaps give ±1 ± 2 ± 1 = ±4 (once each), ±2 (twice each), 0 (twice): six of eight are 2 or farther.
    first, second = np.array([1, 1, 1, 0]), np.array([0, 0, 0, 1])
    found = permutation_test(first, second, pd.Series(["a", "b", "b", "c"]))
    assert found.estimate == pytest.approx(0.5)
    assert found.p == pytest.approx(6 / 8)
    assert found.is_exact
    # As four patients: ±1 ± 1 ± 1 ± 1 is ±4 once each, ±2 four times each, 0 six times: ten of sixteen.
    assert permutation_test(first, second, pd.Series(range(4))).p == pytest.approx(10 / 16)


def test_classes_count_alike_by_hand():
    # Class 0 has three cases, class 1 one: weights 1/6, 1/6, 1/6, 1/2. Gains of a 1/6, b -1/6, c 1/6, d 1/2: sum 2/3.
    # Of ±1 ± 1 ± 1 ± 3 (sixths) ±4 and more are (+++)+3, three of (++-)+3, and their mirrors: 8 of 16.
    found = permutation_test(
        np.array([1, 0, 1, 1]), np.array([0, 1, 0, 0]), pd.Series(list("abcd")), target=np.array([0, 0, 0, 1])
    )
    assert found.estimate == pytest.approx(4 / 6)
    assert found.p == pytest.approx(8 / 16)


def test_patients_without_difference_do_not_matter():
    rng = np.random.default_rng(0)
    first, second = np.array([1, 1, 1, 0]), np.array([0, 0, 0, 1])
    same = rng.integers(0, 2, size=500)
    found = permutation_test(
        np.append(first, same), np.append(second, same), pd.Series(["a", "b", "b", "c", *map(str, range(500))])
    )
    assert found.is_exact
    assert found.p == pytest.approx(6 / 8)


def test_with_one_case_a_patient_it_is_mcnemar():
    # Of 40 discordant pairs 28 for the first: the two-sided exact p of a fair coin.
    first = np.repeat([1, 0, 1], [28, 12, 60])
    second = np.repeat([0, 1, 1], [28, 12, 60])
    found = permutation_test(first, second, pd.Series(range(100)), replicates=40_000)
    assert not found.is_exact
    assert found.p == pytest.approx(binomtest(28, 40).pvalue, rel=0.1)  # .017: 40,000 swaps know it to 4 %
    swapped = permutation_test(second, first, pd.Series(range(100)), replicates=40_000)
    assert swapped.estimate == -found.estimate
    assert swapped.p == found.p


def test_random_swaps_agree_with_all_swaps(monkeypatch):
    # Fourteen patients, nine for the first: a fair coin again, every toss enumerated.
    first = np.repeat([1, 0], [9, 5])
    second, patients = 1 - first, pd.Series(range(14))
    exact = permutation_test(first, second, patients)
    assert exact.is_exact
    assert exact.p == pytest.approx(binomtest(9, 14).pvalue)
    monkeypatch.setattr(permutation, "MAX_EXACT", 5)
    drawn = permutation_test(first, second, patients, replicates=20_000)
    assert not drawn.is_exact
    assert drawn.p == pytest.approx(exact.p, abs=0.012)  # 3.4 standard errors
    assert drawn == permutation_test(first, second, patients, replicates=20_000)
    assert drawn != permutation_test(first, second, patients, replicates=20_000, seed=1)


def test_p_is_never_zero_and_one_without_difference():
    ones, patients = np.ones(100), pd.Series(range(100))
    assert permutation_test(ones, 0 * ones, patients, replicates=99).p == pytest.approx(1 / 100)
    assert permutation_test(ones, ones, patients) == (0, 1, True)


def test_shares_of_seeds_may_stand_for_right_and_wrong():
    shares = np.array([1 / 3, 2 / 3, 1.0])
    found = permutation_test(shares, np.zeros(3), pd.Series(list("abc")))
    assert found.estimate == pytest.approx(2 / 3)
    assert found.p == pytest.approx(2 / 8)


def test_no_replicates_are_refused():
    with pytest.raises(ConfigError, match="replicates must be 1 or more, however: replicates=0"):
        permutation_test(np.ones(1), np.ones(1), pd.Series(["a"]), replicates=0)
