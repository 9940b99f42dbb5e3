"""Predictions read on the classes that have enough test cases."""

from __future__ import annotations

import pandas as pd
import pytest
from made_predictions import make

from mmskin.errors import ConfigError
from mmskin.evaluation.frequent_classes import of_frequent_classes
from mmskin.evaluation.predictions import check_predictions, class_names
from mmskin.evaluation.results import Runs, evaluate_runs


def runs(table: pd.DataFrame) -> Runs:
    return Runs(table, [{}], {"malignant": ("BCC", "MEL"), "naevus": ("NEV",)}, {"MEL": "melanoma", "NEV": "naevus"})


def test_cases_of_rare_classes_go_and_the_rest_is_what_it_is_given_the_others_by_hand() -> None:
    table = make(n=4, folds=1).assign(target=["ACK", "ACK", "BCC", "BCC"])
    table[["prob_ACK", "prob_BCC", "prob_MEL", "prob_NEV"]] = [
        [0.2, 0.2, 0.6, 0.0],
        [0.1, 0.3, 0.1, 0.5],
        [0.0, 0.5, 0.5, 0.0],
        [0.7, 0.3, 0.0, 0.0],
    ]
    rare = table.assign(target="MEL", case_id=["m0", "m1", "m2", "m3"]).iloc[:1]
    kept, note = of_frequent_classes(runs(pd.concat([table, rare])), 2)
    assert kept.table["prob_ACK"].tolist() == pytest.approx([0.5, 0.25, 0.0, 0.7])
    assert class_names(kept.table) == ("ACK", "BCC")
    assert kept.class_groups == {"malignant": ("BCC",)}
    assert kept.class_titles == {}
    assert "the 2 classes with 2 test cases or more: ACK, BCC. Left out: 1 test cases of MEL, NEV." in note


def test_test_cases_count_and_a_case_of_two_arms_counts_once() -> None:
    one = make(n=120)
    val = make(n=120).assign(split="val", fold=5)
    both = pd.concat([one, make(arm="other", n=120), val], ignore_index=True)
    counts = one["target"].value_counts()
    kept, _ = of_frequent_classes(runs(both), int(counts.min()) + 1)
    assert counts.idxmin() not in set(kept.table["target"])
    assert len(kept.table) == 3 * (len(one) - counts.min())
    check_predictions(kept.table)
    untouched, _ = of_frequent_classes(runs(both), int(counts.min()))
    assert untouched.table["prob_ACK"].to_numpy() == pytest.approx(both["prob_ACK"].to_numpy())


def test_what_is_kept_is_evaluated_with_the_groups_that_are_left() -> None:
    table = make(n=200)
    counts = table["target"].value_counts()
    assert counts.idxmin() == "NEV"
    kept, _ = of_frequent_classes(runs(table), int(counts["NEV"]) + 1)
    metrics = evaluate_runs(kept, replicates=100).metrics
    assert "NEV" not in set(metrics["class"])


def test_too_few_classes_are_refused_with_the_number_that_would_do() -> None:
    table = make(n=120)
    second = int(table["target"].value_counts().iloc[1])
    with pytest.raises(ConfigError, match=f"keeps 1 of 4 classes .* second largest has {second} test cases"):
        of_frequent_classes(runs(table), second + 1)
