"""AUROC on patients that a score was not fitted to: by hand on ten rows, then against scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from audit.drawn_clinic import drawn_clinic
from sklearn.metrics import roc_auc_score

from mmskin.audit.held_out import HeldOut, auroc_replicates, hold_out, out_of_fold, summarized
from mmskin.errors import DataError
from mmskin.evaluation.intervals import draw_patients

# Fold 0: .4 beats .1 and .35 and ties with .4: 2.5 of 3; .8 beats all: 3. AUROC 5.5 / 6.
# Fold 1: 1.2 beats 1.1 and ties with 1.2: 1.5; 1.9 beats all: 3. AUROC 4.5 / 6.
SCORE = np.array([0.1, 0.4, 0.35, 0.8, 0.4, 1.2, 1.3, 1.1, 1.9, 1.2])
POSITIVE = np.array([False, True, False, True, False, True, False, False, True, False])
FOLD = np.repeat([0, 1], 5)
ALL = np.ones(10, dtype=bool)


def ten_rows(*, patients: int = 10, replicates: int = 200) -> HeldOut:
    cases = pd.DataFrame({"patient_id": [f"p{i % patients}" for i in range(10)], "target": "x"}, dtype=object)
    return HeldOut(cases, FOLD, draw_patients(cases.patient_id, replicates=replicates, seed=1))


def test_folds_are_ranked_each_by_itself() -> None:
    values = auroc_replicates(SCORE, POSITIVE, held_out=ten_rows(), rows=ALL)
    assert values[0] == pytest.approx((5.5 + 4.5) / 12)


def test_a_score_that_was_not_fitted_is_ranked_over_all_rows() -> None:
    # .4: 2.5 of 6; .8: 3; 1.2: the three of fold 0 and 1.5; 1.9: 6. In all 16 of 24.
    values = auroc_replicates(SCORE, POSITIVE, held_out=ten_rows(), rows=ALL, within=False)
    assert values[0] == pytest.approx(16 / 24)


def test_a_resample_is_scikit_learns_auroc_with_the_patients_as_weights() -> None:
    held_out = ten_rows(patients=7, replicates=40)
    values = auroc_replicates(SCORE, POSITIVE, held_out=held_out, rows=ALL, within=False)
    weights = held_out.resamples.weights(held_out.cases.patient_id)
    for weight, value in zip(weights, values, strict=True):
        if weight[POSITIVE].any() and weight[~POSITIVE].any():
            assert value == pytest.approx(roc_auc_score(POSITIVE, SCORE, sample_weight=weight))
        else:
            assert np.isnan(value)


def test_chunks_of_resamples_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = auroc_replicates(SCORE, POSITIVE, held_out=ten_rows(), rows=ALL)
    monkeypatch.setattr("mmskin.audit.held_out.CHUNK", 25)
    assert np.array_equal(auroc_replicates(SCORE, POSITIVE, held_out=ten_rows(), rows=ALL), whole, equal_nan=True)


def test_only_the_named_rows_count_and_nan_is_left_out() -> None:
    rows = np.arange(10) != 8  # without 1.9
    score = np.where(np.arange(10) == 3, np.nan, SCORE)[rows]  # and .8 not scored
    values = auroc_replicates(score, POSITIVE[rows], held_out=ten_rows(), rows=rows)
    assert values[0] == pytest.approx((2.5 / 3 + 1.5 / 3) / 2)


def test_an_interval_holds_its_estimate_and_one_side_alone_has_none() -> None:
    found = summarized(auroc_replicates(SCORE, POSITIVE, held_out=ten_rows(), rows=ALL))
    assert found.low < found.auroc < found.high
    alone = summarized(auroc_replicates(SCORE, ~np.isnan(SCORE), held_out=ten_rows(), rows=ALL))
    assert np.isnan(alone).all()


def test_a_reading_never_sees_the_fold_that_it_scores() -> None:
    seen: list[set[float]] = []

    def read(fitted: np.ndarray, positive: np.ndarray, scored: np.ndarray) -> np.ndarray:
        seen.append(set(fitted) & set(scored))
        return np.full(len(scored), fitted.mean())

    scores = out_of_fold(read, np.arange(10.0), POSITIVE, fold=FOLD)
    assert seen == [set(), set()]
    assert scores.tolist() == [7.0] * 5 + [2.0] * 5  # the mean of the other fold


def test_without_one_side_in_the_other_folds_nothing_is_scored() -> None:
    positive = POSITIVE & (FOLD == 0)
    scores = out_of_fold(lambda fitted, positive, scored: scored, SCORE, positive, fold=FOLD)
    assert np.isnan(scores[:5]).all()
    assert scores[5:].tolist() == SCORE[5:].tolist()


def test_patients_keep_to_one_fold_and_cases_without_label_are_left_out() -> None:
    table = drawn_clinic(cases=200).table
    table.loc[3, "target"] = None
    held_out = hold_out(table, replicates=3, seed=5)
    assert len(held_out.cases) == len(held_out.fold) == 199
    assert held_out.resamples.counts.shape == (4, held_out.cases.patient_id.nunique())
    assert pd.Series(held_out.fold).groupby(held_out.cases.patient_id).nunique().max() == 1
    assert set(held_out.fold) == set(range(5))


def test_too_few_patients_for_the_folds_are_refused() -> None:
    table = drawn_clinic(cases=20).table.assign(patient_id="one")
    with pytest.raises(DataError, match="k=5 folds need 5 or more groups of patients, however the table has 1"):
        hold_out(table)
