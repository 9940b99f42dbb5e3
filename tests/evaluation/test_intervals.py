from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmskin.errors import ConfigError, DataError
from mmskin.evaluation import intervals, metrics
from mmskin.evaluation.differences import paired_difference
from mmskin.evaluation.intervals import draw_patients, evaluate, patient_weights, replicate
from mmskin.evaluation.predictions import probabilities, target_codes


def line(table: pd.DataFrame, metric: str, of: str = "", subset: str = "all") -> pd.Series:
    rows = table[(table["metric"] == metric) & (table["class"] == of) & (table["subset"] == subset)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_patients_are_drawn_whole_and_as_many_as_there_are():
    ids = pd.Series(["b", "a", "b", "c", "a", "b"])
    weights = patient_weights(ids, replicates=500, seed=3)
    assert weights.shape == (500, 6)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 0] == weights[:, 5]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights[:, 0].mean() == pytest.approx(1, abs=0.12)  # 3.3 standard errors of a mean of 500 counts


def test_resamples_do_not_depend_on_the_order_of_rows():
    ids = pd.Series(["b", "a", "b", "c"])
    weights = patient_weights(ids, replicates=20, seed=1)
    order = [3, 1, 0, 2]
    assert (patient_weights(ids.iloc[order], replicates=20, seed=1) == weights[:, order]).all()
    assert (patient_weights(ids, replicates=20, seed=2) != weights).any()


def test_replicates_are_metrics_of_repeated_patients(make_predictions):
    rows = make_predictions(n=60, folds=2)
    resamples = draw_patients(rows["patient_id"], replicates=5, seed=0)
    values = replicate(rows, resamples=resamples, class_groups={"malignant": ["BCC", "MEL"]})
    for r, counts in enumerate(resamples.counts):
        times = dict(zip(resamples.patients, counts.astype(int), strict=True))
        drawn = rows.loc[np.repeat(rows.index, rows["patient_id"].map(times))]
        target, probs = target_codes(drawn), probabilities(drawn)
        ones = np.ones(len(drawn))
        assert values["balanced_accuracy", ""][r] == pytest.approx(metrics.balanced_accuracy(target, probs))
        assert values["sensitivity", "MEL"][r] == pytest.approx(metrics.sensitivity(target, probs)[2])
        assert values["macro_auroc_pooled", ""][r] == pytest.approx(metrics.macro_auroc(target, probs))
        within = metrics.within_folds(metrics.auroc, target, probs, ones, fold=drawn["fold"].to_numpy())
        assert values["macro_auroc", ""][r] == pytest.approx(within.mean())
        assert values["group_sensitivity", "malignant"][r] == pytest.approx(
            metrics.group_sensitivity(target, probs, members=[1, 2])
        )


def test_seeds_are_averaged_not_pooled(make_predictions):
    rows = make_predictions(seeds=2, n=60)
    both = line(evaluate(rows, replicates=50), "ece")
    single = [line(evaluate(rows[rows["seed"] == s], replicates=50), "ece")["estimate"] for s in (0, 1)]
    assert both["estimate"] == pytest.approx(np.mean(single))
    assert both["n"] == 60


def test_chunks_change_nothing(make_predictions, monkeypatch):
    rows = make_predictions(n=50, seeds=2)
    whole = evaluate(rows, replicates=40)
    monkeypatch.setattr(intervals, "CHUNK", 350)
    pd.testing.assert_frame_equal(evaluate(rows, replicates=40), whole)


def test_the_interval_covers_the_truth_about_95_times_in_100(make_predictions):
    truth = line(evaluate(make_predictions(n=20_000, skill=1.2), replicates=1), "accuracy")["estimate"]
    found = 0
    for trial in range(100):
        rows = make_predictions(n=200 + trial, skill=1.2, rng_seed=trial)
        weights = patient_weights(rows["patient_id"], replicates=300, seed=trial)
        drawn = metrics.accuracy(target_codes(rows), probabilities(rows), weights)
        low, high = np.quantile(drawn, [0.025, 0.975])
        found += low <= truth <= high
    assert 87 <= found <= 100  # binomial(100, .95): below 87 once in 1,500 times


def test_cases_of_one_patient_widen_the_interval(make_predictions):
    alone = make_predictions(n=150)
    copied = pd.concat([alone, alone.assign(case_id=alone["case_id"] + "b")])
    narrow = line(evaluate(copied.assign(patient_id=copied["case_id"]), replicates=400), "accuracy")
    wide = line(evaluate(copied, replicates=400), "accuracy")
    assert wide["high"] - wide["low"] > 1.2 * (narrow["high"] - narrow["low"])


def test_only_test_rows_count(make_predictions):
    rows = make_predictions()
    val = make_predictions(rng_seed=9, skill=-5).assign(fold=7, split="val")
    pd.testing.assert_frame_equal(
        evaluate(pd.concat([rows, val], ignore_index=True), replicates=20), evaluate(rows, replicates=20)
    )


def test_fully_recorded_cases_stand_beside_all(make_predictions):
    rows = make_predictions()
    table = evaluate(rows, replicates=20)
    recorded = rows[rows["group_fully_recorded"] == "yes"]
    beside = line(table, "accuracy", subset="fully_recorded")
    assert beside["n"] == len(recorded) < line(table, "accuracy")["n"] == len(rows)
    assert beside["estimate"] == pytest.approx(metrics.accuracy(target_codes(recorded), probabilities(recorded)))
    assert set(evaluate(rows.drop(columns="group_fully_recorded"), replicates=20)["subset"]) == {"all"}


def test_one_set_of_resamples_serves_all_arms_and_subsets(make_predictions):
    rows = make_predictions()
    recorded = rows[rows["group_fully_recorded"] == "yes"]
    resamples = draw_patients(rows["patient_id"], replicates=200)
    expected = intervals.interval(replicate(recorded, resamples=resamples)["accuracy", ""])
    table = evaluate(pd.concat([rows, recorded.assign(arm="twin")]), replicates=200)
    beside = table[(table["metric"] == "accuracy") & (table["subset"] == "fully_recorded")]
    assert list(beside["arm"]) == ["image", "twin"]
    for low, high in beside[["low", "high"]].to_numpy():
        assert (low, high) == pytest.approx(expected)


def test_every_number_has_its_n(make_predictions):
    rows = make_predictions(seeds=2)
    table = evaluate(rows, replicates=20, class_groups={"malignant": ["BCC", "MEL"]})
    one_seed = rows[rows["seed"] == 0]
    assert line(table, "sensitivity", "MEL")["n"] == (one_seed["target"] == "MEL").sum()
    assert line(table, "group_auroc", "malignant")["n"] == one_seed["target"].isin(["BCC", "MEL"]).sum()
    assert line(table, "brier")["patients"] == rows["patient_id"].nunique()


def test_undefined_is_nan_with_its_n(make_predictions):
    rows = make_predictions()
    rows = rows[rows["target"] != "MEL"]
    table = evaluate(rows, replicates=20)
    mel = line(table, "sensitivity", "MEL")
    assert np.isnan(mel[["estimate", "low", "high"]].to_numpy(dtype=float)).all()
    assert mel["n"] == 0
    macro = line(table, "balanced_accuracy")
    others = [line(table, "sensitivity", name)["estimate"] for name in ("ACK", "BCC", "NEV")]
    assert macro["estimate"] == pytest.approx(np.mean(others))
    assert macro["undefined"] == 0


def test_resamples_that_miss_a_class_are_counted(make_predictions):
    rows = make_predictions(n=400).assign(patient_id=lambda t: t["case_id"])
    rows = pd.concat([rows[rows["target"] != "MEL"], rows[rows["target"] == "MEL"].head(1)])
    table = evaluate(rows, replicates=1000)
    # One patient of N is missed with (1 - 1/N)^N, about 1/e.
    assert line(table, "sensitivity", "MEL")["undefined"] == pytest.approx(0.366, abs=0.05)
    assert line(table, "balanced_accuracy")["undefined"] == line(table, "sensitivity", "MEL")["undefined"]
    assert line(table, "accuracy")["undefined"] == 0


def test_resamples_in_which_a_metric_is_undefined_are_left_out_of_its_interval():
    # Of .2, .4 and .6 the 2.5 % quantile lies .05 of the way from the first to the second.
    values = np.array([0.5, np.nan, 0.2, np.nan, 0.6, 0.4, np.nan])
    assert intervals.interval(values) == pytest.approx((0.21, 0.59))
    assert np.isnan(intervals.interval(np.array([0.5, np.nan, np.nan]))).all()
    assert np.isnan(intervals.interval(np.array([np.nan, 0.5, 0.5]))).all()


def one_melanoma(make_predictions, *, answer: str, arm: str = "image") -> pd.DataFrame:
    """Patients of whom one has a melanoma, for which all probability goes to one class."""
    rows = make_predictions(n=200, arm=arm).assign(patient_id=lambda t: t["case_id"])
    rows = pd.concat([rows[rows["target"] != "MEL"], rows[rows["target"] == "MEL"].head(1)], ignore_index=True)
    columns = [f"prob_{name}" for name in ("ACK", "BCC", "MEL", "NEV")]
    rows.loc[rows["target"] == "MEL", columns] = [float(name == f"prob_{answer}") for name in columns]
    return rows


def test_the_sensitivity_of_a_class_of_one_patient_answered_right_is_1_wherever_it_is_defined(make_predictions):
    mel = line(evaluate(one_melanoma(make_predictions, answer="MEL"), replicates=200), "sensitivity", "MEL")
    assert mel["undefined"] > 0.2
    assert mel[["estimate", "low", "high"]].tolist() == [1.0, 1.0, 1.0]


def test_a_paired_difference_rests_on_the_resamples_in_which_it_is_defined(make_predictions):
    right = one_melanoma(make_predictions, answer="MEL")
    wrong = one_melanoma(make_predictions, answer="NEV", arm="other")
    undefined = line(evaluate(right, replicates=200), "sensitivity", "MEL")["undefined"]
    difference = paired_difference(right, wrong, metric="sensitivity", class_name="MEL", replicates=200)
    assert (difference.estimate, difference.low, difference.high, difference.detectable) == (1.0, 1.0, 1.0, 0.0)
    assert difference.p == pytest.approx(2 / (200 * (1 - undefined) + 1))  # never 0: the data count as one resample


def test_an_unknown_class_in_a_group_is_refused(make_predictions):
    with pytest.raises(DataError, match=r"class group 'malignant': class 'MELA' does not exist. Did you mean 'MEL'"):
        evaluate(make_predictions(), replicates=2, class_groups={"malignant": ["MELA"]})


def test_no_replicates_are_refused(make_predictions):
    with pytest.raises(ConfigError, match="replicates must be 1 or more, however: replicates=0"):
        evaluate(make_predictions(), replicates=0)
