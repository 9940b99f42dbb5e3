from __future__ import annotations

import pandas as pd
import pytest
from made_predictions import make

from mmskin.evaluation.results import Runs, answered_by_all, evaluate_runs, in_order


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
