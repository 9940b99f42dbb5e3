from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score

from mmskin.errors import DataError
from mmskin.evaluation.delong import auc_covariance, clustered_auc, clustered_auc_difference
from mmskin.evaluation.intervals import patient_weights
from mmskin.evaluation.metrics import binary_auroc, within_folds


def invented(seed: int, *, n: int = 300, patients: int = 120, scores: int = 2):
    """Cases of patients whose scores have a part in common, which makes them alike."""
    rng = np.random.default_rng(seed)
    patient = rng.integers(0, patients, size=n)
    positive = rng.random(n) < np.where(rng.random(patients) < 0.4, 0.8, 0.1)[patient]
    of_patient = 1.5 * rng.normal(size=(scores, patients))[:, patient]
    score = positive + of_patient + rng.normal(size=(scores, n))
    return positive, score, pd.Series([f"p{i}" for i in patient])


def plain_delong(positive, scores):
    """DeLong et al. 1988 as printed: components over all pairs, their covariances over cases."""
    x, y = scores[:, positive], scores[:, ~positive]
    wins = (x[:, :, None] > y[:, None, :]) + 0.5 * (x[:, :, None] == y[:, None, :])
    v10, v01 = wins.mean(axis=2), wins.mean(axis=1)
    return wins.mean(axis=(1, 2)), np.cov(v10) / x.shape[1] + np.cov(v01) / y.shape[1]


@pytest.mark.parametrize("seed", range(3))
def test_with_one_case_a_patient_it_is_plain_delong(seed):
    positive, scores, _ = invented(seed)
    scores = np.round(scores, 1 if seed else 8)  # ties
    auc, covariance = auc_covariance(positive, scores, np.arange(len(positive)))
    expected_auc, expected = plain_delong(positive, scores)
    assert auc == pytest.approx(expected_auc)
    assert auc[0] == pytest.approx(roc_auc_score(positive, scores[0]))
    assert covariance == pytest.approx(expected)


# Patient a: positive .9, negative .3. Patient b: positive .4, negative .5. Patient c: positive .8, negative .2.
# Shares below of the positives 1, 2/3, 1; above of the negatives 1, 2/3, 1; AUC 8/9; residuals 1/9, -2/9, 1/9 for both.
THREE = np.array([True, False] * 3), np.array([0.9, 0.3, 0.4, 0.5, 0.8, 0.2]), pd.Series(list("aabbcc"))


def test_three_patients_by_hand():
    # S10 = 3 / (2 x 3) x 6/81 = 1/27, S01 the same, S11 = 3/2 x 6/81 = 1/9.
    # Variance S10/3 + S01/3 + 2 S11/9 = 1/81 + 1/81 + 2/81 = 4/81. DeLong, blind to patients, has 2/81.
    found = clustered_auc(*THREE)
    assert found.estimate == pytest.approx(8 / 9)
    assert found.standard_error == pytest.approx(2 / 9)
    assert (found.low, found.high) == pytest.approx((8 / 9 - 1.96 * 2 / 9, 8 / 9 + 1.96 * 2 / 9), abs=1e-5)
    alone = clustered_auc(*THREE[:2], pd.Series(range(6)))
    assert alone.standard_error == pytest.approx(np.sqrt(2 / 81))


def test_patients_with_unequal_numbers_of_cases_by_hand():
    # a: positives .9, .6; b: positive .3, negative .5; c: negative .1; d: negative .7.
    # Positives .9, .6, .3: shares below 1, 2/3, 1/3; AUC 2/3; residuals a 1/3 + 0, b -1/3. M = 3, of two patients.
    # Negatives .5, .1, .7: shares above 2/3, 1, 1/3; residuals b 0, c 1/3, d -1/3. N = 3, of three.
    # S10 = 2 / (1 x 3) x 2/9 = 4/27; S01 = 3 / (2 x 3) x 2/9 = 1/9; S11 = 4/3 x (-1/3 x 0) = 0.
    # Variance 4/81 + 1/27 = 7/81.
    positive = np.array([True, True, True, False, False, False])
    found = clustered_auc(positive, np.array([0.9, 0.6, 0.3, 0.5, 0.1, 0.7]), pd.Series(list("aabbcd")))
    assert found.estimate == pytest.approx(2 / 3)
    assert found.standard_error == pytest.approx(np.sqrt(7) / 9)


def test_a_difference_by_hand():
    # The second arm ranks the three patients perfectly and so has no error: the difference has that of the first.
    positive, first, patients = THREE
    second = np.where(positive, 1.0, 0.0)
    found = clustered_auc_difference(positive, first, second, patients)
    assert found.estimate == pytest.approx(-1 / 9)
    assert found.standard_error == pytest.approx(2 / 9)
    assert found.p == pytest.approx(2 * scipy.stats.norm.sf(0.5))


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_the_patient_bootstrap_where_cases_of_a_patient_are_alike(seed):
    positive, (first, second), patients = invented(seed, n=900, patients=300)
    weights = patient_weights(patients, replicates=1500, seed=seed)
    drawn = binary_auroc(positive, first, weights) - binary_auroc(positive, second, weights)
    found = clustered_auc_difference(positive, first, second, patients)
    assert found.standard_error == pytest.approx(drawn.std(), rel=0.08)  # 1,500 resamples know it to 2 %
    blind = clustered_auc_difference(positive, first, second, pd.Series(range(len(positive))))
    assert found.standard_error > 1.2 * blind.standard_error


def test_seeds_are_averaged():
    positive, scores, patients = invented(4, scores=3)
    alone = [clustered_auc(positive, score, patients) for score in scores]
    together = clustered_auc(positive, scores, patients)
    assert together.estimate == pytest.approx(np.mean([one.estimate for one in alone]))
    assert together.standard_error < max(one.standard_error for one in alone)
    copies = clustered_auc(positive, np.stack([scores[0]] * 3), patients)
    assert copies == pytest.approx(alone[0])
    against = clustered_auc_difference(positive, scores[:2], scores[2], patients)
    assert against.estimate == pytest.approx(np.mean([one.estimate for one in alone[:2]]) - alone[2].estimate)


def test_folds_are_averaged_and_their_variances_add_up():
    positive, scores, patients = invented(5)
    fold = patients.str[1:].astype(int).to_numpy() % 3
    alone = [clustered_auc(positive[fold == f], scores[0, fold == f], patients[fold == f]) for f in range(3)]
    found = clustered_auc(positive, scores[0], patients, fold=fold)
    expected = within_folds(
        lambda t, p, w: binary_auroc(t == 1, p[:, 0], w), positive.astype(int), scores.T, np.ones(300), fold=fold
    )
    assert found.estimate == pytest.approx(float(expected))
    assert found.standard_error == pytest.approx(np.sqrt(sum(one.standard_error**2 for one in alone)) / 3)


def test_a_patient_in_two_folds_is_refused():
    with pytest.raises(DataError, match="1 stand in several: a"):
        clustered_auc(*THREE, fold=np.array([0, 1, 0, 0, 0, 0]))


def test_an_arm_does_not_differ_from_itself():
    positive, scores, patients = invented(6)
    found = clustered_auc_difference(positive, scores[0], scores[0], patients)
    assert found.estimate == 0
    assert found.standard_error == pytest.approx(0, abs=1e-8)
    assert found.p == 1


def test_too_few_patients_have_no_error_and_one_side_alone_no_auc():
    positive, score, _ = THREE
    one_positive = clustered_auc(positive, score, pd.Series(["a", "b", "a", "c", "a", "d"]))
    assert one_positive.estimate == pytest.approx(8 / 9)
    assert np.isnan(one_positive.standard_error)
    assert np.isnan(clustered_auc(np.ones(6, dtype=bool), score, THREE[2])).all()
