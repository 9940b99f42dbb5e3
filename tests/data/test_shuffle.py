from __future__ import annotations

import pandas as pd
import pytest

from mmskin.data.shuffle import shuffle_histories
from mmskin.data.table import make_table
from mmskin.errors import DataError
from mmskin.schema import Field, Schema

SCHEMA = Schema(
    name="clinic",
    classes=("a", "b"),
    fields=(Field(name="age", kind="numeric"), Field(name="itch", kind="yes_no")),
)


def table(patients: list[str]) -> pd.DataFrame:
    """The i-th case is i years old, says so in words too, and itches or was not asked in turn."""
    size = len(patients)
    return make_table(
        SCHEMA,
        {
            "case_id": [f"c{i:02}" for i in range(size)],
            "patient_id": patients,
            "lesion_id": [f"l{i}" for i in range(size)],
            "images": [(f"/{i}.png",) for i in range(size)],
            "target": ["ab"[i % 2] for i in range(size)],
            "text": [f"I am {i}" for i in range(size)],
            "age": [float(i) for i in range(size)],
            "itch": ["yes" if i % 2 else None for i in range(size)],
        },
    )


@pytest.mark.parametrize("seed", range(20))
def test_nobody_keeps_a_history_of_their_own_and_every_history_is_told_once_and_whole(seed: int) -> None:
    before = table(["p", "p", "p", "q", "q", "r", "s"])
    after = shuffle_histories(before, SCHEMA, seed=seed)
    of = before.patient_id.to_list()
    came_from = [int(age) for age in after.age]
    assert sorted(came_from) == list(range(7))
    assert all(of[here] != of[there] for here, there in enumerate(came_from))
    assert list(after.text) == [f"I am {there}" for there in came_from]
    assert [value is None for value in after.itch] == [there % 2 == 0 for there in came_from]
    rest = ["case_id", "patient_id", "lesion_id", "images", "target"]
    pd.testing.assert_frame_equal(after[rest], before[rest])


def test_two_patients_of_one_case_each_change_histories() -> None:
    after = shuffle_histories(table(["p", "q"]), SCHEMA, seed=0)
    assert list(after.age) == [1.0, 0.0]


def test_the_order_of_rows_does_not_change_who_gets_whose_history() -> None:
    before = table(["p", "q", "r", "r", "s", "t"])
    turned = shuffle_histories(before.iloc[::-1].reset_index(drop=True), SCHEMA, seed=3)
    straight = shuffle_histories(before, SCHEMA, seed=3)
    assert dict(zip(turned.case_id, turned.age, strict=True)) == dict(zip(straight.case_id, straight.age, strict=True))
    other = shuffle_histories(before, SCHEMA, seed=4)
    assert list(other.age) != list(straight.age)


def test_a_patient_with_more_than_half_of_the_cases_is_refused() -> None:
    with pytest.raises(DataError, match="one of them has 3 of 5 cases"):
        shuffle_histories(table(["p", "p", "p", "q", "r"]), SCHEMA, seed=0)
