from __future__ import annotations

import pandas as pd
import pytest
from made_predictions import make

from mmskin.errors import DataError
from mmskin.evaluation.results import Runs, answered_by_all, evaluate_runs, in_order, joined_runs, renamed


def test_arms_are_compared_on_the_cases_that_all_of_them_answered() -> None:
    table = pd.DataFrame({"arm": ["a", "a", "a", "b", "b"], "case_id": ["1", "2", "3", "2", "3"]})
    common, excluded = answered_by_all(table)
    assert excluded == 1
    assert common["case_id"].tolist() == ["2", "3", "2", "3"]


@pytest.mark.parametrize("metric", ["balanced_accuracy", "log_loss"])
def test_tables_name_the_primary_arm_the_reference_and_then_the_best(metric: str) -> None:
    skills = {"text": 0.2, "image": 0.5, "film": 2.5, "late": 1.0}
    arms = [make(arm=arm, skill=skill, rng_seed=i) for i, (arm, skill) in enumerate(skills.items())]
    runs = Runs(pd.concat(arms, ignore_index=True), [], {})
    found = in_order(evaluate_runs(runs, reference="image", primary="late", metric=metric, replicates=20))
    assert found.overall()["arm"].tolist() == ["late", "image", "film", "text"]
    assert [row["arm"] for row in found.compared()] == ["late", "film", "text"]
    for table in (found.metrics, found.subgroups, found.tests):
        assert table is not None
        assert [arm for arm in dict.fromkeys(table["arm"]) if arm != "image"] == ["late", "film", "text"]


def test_runs_with_the_same_arm_have_to_be_named_and_parts_of_one_run_not() -> None:
    one, other = Runs(make(arm="late"), [], {}), Runs(make(arm="late", rng_seed=1), [], {})
    with pytest.raises(DataError, match="two runs have an arm 'late': give each a name of its own, such as old="):
        joined_runs([one, other])
    assert set(joined_runs([renamed(one, "old"), renamed(other, "new")]).table["arm"]) == {"old", "new"}
    by_fold = [one._replace(table=part) for _, part in one.table.groupby("fold")]
    assert len(joined_runs(by_fold).table) == len(one.table)


def test_a_name_stands_before_several_arms() -> None:
    two = Runs(pd.concat([make(arm="late"), make(arm="image")], ignore_index=True), [], {})
    assert list(renamed(two, "old").table["arm"].unique()) == ["old-late", "old-image"]
    assert renamed(two, "") is two


def test_metrics_are_those_that_are_asked_for_and_the_named_one_is_first() -> None:
    runs = Runs(pd.concat([make(arm="late"), make(arm="image", rng_seed=1)], ignore_index=True), [], {})
    found = evaluate_runs(runs, reference="image", metric="brier", metrics=["log_loss", "brier"], replicates=20)
    assert found.shown == ("brier", "log_loss")
    assert found.differences is not None
    assert found.differences["metric"].unique().tolist() == ["brier", "log_loss"]
