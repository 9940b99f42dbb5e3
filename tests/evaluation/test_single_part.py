"""The primary arm beside the best single part, which is chosen where test rows are not looked at."""

from __future__ import annotations

import pandas as pd
import pytest
from made_predictions import make

from mmskin.evaluation.differences import paired_difference
from mmskin.evaluation.single_part import beside_best_single_part
from mmskin.report.sections.single_part import single_part_section

QUICK = {"metric": "balanced_accuracy", "replicates": 100}


def both_parts(arm: str, *, val: float, test: float) -> pd.DataFrame:
    """Validation rows of one skill, test rows of another; ids of the two apart."""
    rows = [make(arm=arm, skill=test, rng_seed=1), make(arm=arm, skill=val, rng_seed=2).assign(split="val")]
    rows[1] = rows[1].assign(case_id="v" + rows[1].case_id, patient_id="v" + rows[1].patient_id)
    return pd.concat(rows, ignore_index=True)


@pytest.fixture
def table() -> pd.DataFrame:
    arms = [
        both_parts("late", val=2.0, test=2.0),
        both_parts("image_only", val=3.0, test=0.5),
        both_parts("fields", val=0.5, test=3.0),
    ]
    return pd.concat(arms, ignore_index=True)


def test_the_best_single_part_is_that_of_validation_rows(table: pd.DataFrame) -> None:
    found = beside_best_single_part(table, primary="late", singles=["image_only", "fields"], **QUICK)
    assert found is not None
    assert (found.arm, found.candidates) == ("image_only", ("image_only", "fields"))
    arms = (table[table.arm == name] for name in ("late", "image_only"))
    assert found.difference == paired_difference(*arms, **QUICK)


def test_less_is_better_of_a_loss(table: pd.DataFrame) -> None:
    singles = ["fields", "image_only"]
    found = beside_best_single_part(table, primary="late", singles=singles, metric="log_loss", replicates=20)
    assert found is not None
    assert found.arm == "image_only"


def test_there_is_nothing_to_compare_without_another_single_part(table: pd.DataFrame) -> None:
    assert beside_best_single_part(table, primary="late", singles=["note"], **QUICK) is None
    assert beside_best_single_part(table, primary="fields", singles=["fields", "image_only"], **QUICK) is None
    tested = table[table.split == "test"]
    assert beside_best_single_part(tested, primary="late", singles=["fields"], **QUICK) is None


def test_the_section_says_who_was_chosen_from_whom(table: pd.DataFrame) -> None:
    found = beside_best_single_part(table, primary="late", singles=["image_only", "fields"], **QUICK)
    assert found is not None
    section = single_part_section(found, primary="late")
    (line,) = section.lines
    assert line.startswith(
        "late minus image_only, on validation rows the best of image_only, fields, in balanced accuracy: +"
    )
    assert section.saved["single_part"]["arm"] == "image_only"
