from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmskin.evaluation import evaluate_subgroups, metrics
from mmskin.evaluation.predictions import probabilities, target_codes
from mmskin.evaluation.subgroups import COLUMNS


def line(table: pd.DataFrame, group: str, value: str, metric: str, of: str = "") -> pd.Series:
    rows = table[(table["group"] == group) & (table["value"] == value)]
    rows = rows[(rows["metric"] == metric) & (rows["class"] == of)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_subgroup_is_evaluated_by_itself(make_predictions):
    rows = make_predictions(n=300)
    table = evaluate_subgroups(rows, replicates=50, min_class=1)
    assert list(table.columns) == list(COLUMNS)
    women = rows[rows["group_sex"] == "female"]
    found = line(table, "sex", "female", "balanced_accuracy")
    assert found["estimate"] == pytest.approx(metrics.balanced_accuracy(target_codes(women), probabilities(women)))
    assert (found["n"], found["patients"]) == (len(women), women["patient_id"].nunique())
    assert found["low"] < found["estimate"] < found["high"]


def test_values_add_up_to_all_cases_with_those_not_recorded(make_predictions):
    rows = make_predictions(n=300)
    table = evaluate_subgroups(rows, replicates=10)
    headline = table[(table["metric"] == "balanced_accuracy") & (table["group"] == "sex")]
    assert list(headline["value"]) == ["female", "male", "not recorded"]
    assert headline["n"].sum() == 300


def test_a_small_subgroup_says_its_n_and_no_number(make_predictions):
    rows = make_predictions(n=300)
    few = rows["group_sex"].isna().sum()
    table = evaluate_subgroups(rows, replicates=10, min_cases=few + 1)
    found = line(table, "sex", "not recorded", "balanced_accuracy")
    assert found["note"] == "too few to say"
    assert np.isnan(found["estimate"])
    assert found["n"] == few


def test_a_rare_class_is_left_out_of_the_mean_and_named(make_predictions):
    rows = make_predictions(n=300)
    women = (rows["group_sex"] == "female") & (rows["target"] == "MEL")
    rows = rows.drop(index=rows.index[women][3:])
    table = evaluate_subgroups(rows, replicates=20, class_groups={"melanoma": ["MEL"], "other": ["ACK", "BCC"]})
    macro = line(table, "sex", "female", "balanced_accuracy")
    assert macro["note"] == "without MEL (3)"
    kept = [line(table, "sex", "female", "sensitivity", name)["estimate"] for name in ("ACK", "BCC", "NEV")]
    assert macro["estimate"] == pytest.approx(np.mean(kept))
    for metric, of in (("sensitivity", "MEL"), ("group_auroc", "melanoma")):
        rare = line(table, "sex", "female", metric, of)
        assert (rare["note"], rare["n"]) == ("too few to say", 3)
        assert np.isnan(rare["estimate"])
    assert line(table, "sex", "female", "group_auroc", "other")["note"] == ""
    assert line(table, "sex", "male", "balanced_accuracy")["note"] == ""


def test_without_groups_the_table_is_empty(make_predictions):
    rows = make_predictions().drop(columns=["group_sex", "group_fully_recorded"])
    assert list(evaluate_subgroups(rows, replicates=2).columns) == list(COLUMNS)
