from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmskin.data.table import Cases, check_table, histories, history_of, rename_columns
from mmskin.errors import DataError
from mmskin.schema import Field, History, Schema

SCHEMA = Schema(
    name="tiny", classes=("a", "b"), fields=(Field(name="age", kind="numeric"), Field(name="itch", kind="yes_no"))
)


def cases(**changes: list[Any]) -> Cases:
    cells: dict[str, Any] = {
        "case_id": ["1", "2"],
        "patient_id": ["p", "q"],
        "lesion_id": ["l", "m"],
        "images": [("/a.jpg", "/b.jpg"), ()],
        "image_kinds": [("image", "image"), ()],
        "target": ["a", None],
        "text": ["it bleeds", None],
        "age": [60.0, None],
        "itch": [None, "unknown"],
        "biopsied": ["yes", "no"],
    } | changes
    return Cases(SCHEMA, pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in cells.items()}))


def test_a_table_that_keeps_its_promises_is_handed_back() -> None:
    given = cases()
    assert check_table(given) is given


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"case_id": ["1", "1"]}, "tiny: 1 case ids stand twice: 1"),
        ({"patient_id": ["p", None]}, "tiny: 1 cases have no patient_id: 2"),
        ({"image_kinds": [("image",), ()]}, "tiny: 1 cases have more or fewer kinds than photos: 1"),
        ({"image_kinds": [("image", "derm"), ()]}, "tiny: kind of photo 'derm' does not exist. .* one of: image"),
        ({"target": ["a", "c"]}, "tiny: target 'c' is no class; classes are a, b"),
    ],
)
def test_a_broken_promise_is_refused(changes: dict[str, list[Any]], told: str) -> None:
    with pytest.raises(DataError, match=told):
        check_table(cases(**changes))


def test_a_table_without_a_column_or_without_a_case_is_refused() -> None:
    given = cases()
    with pytest.raises(DataError, match="the table of cases lacks lesion_id, itch"):
        check_table(given._replace(table=given.table.drop(columns=["lesion_id", "itch"])))
    with pytest.raises(DataError, match="the table holds no case"):
        check_table(given._replace(table=given.table.iloc[:0]))


def test_a_history_holds_the_declared_fields_and_never_an_outcome() -> None:
    assert histories(cases().table, SCHEMA) == [
        History({"age": 60.0, "itch": None}, "it bleeds"),
        History({"age": None, "itch": "unknown"}, None),
    ]


@pytest.mark.parametrize("nothing", [None, float("nan"), np.nan, pd.NA])
def test_each_of_pandas_nothings_is_not_recorded(nothing: Any) -> None:
    assert history_of({"age": nothing, "itch": nothing, "text": nothing}, SCHEMA).is_empty()


def test_columns_are_renamed_wherever_they_are_named_and_fields_keep_their_titles() -> None:
    declared = {"optional_block": ("itch",), "subgroups": ("itch",), "outcomes": {"biopsied": "it follows"}}
    given = cases()._replace(schema=SCHEMA.model_copy(update=declared))
    schema, table, *_ = check_table(rename_columns(given, {"itch": "pad_itch", "biopsied": "pad_biopsied"}))
    assert schema.field_names == ("age", "pad_itch")
    assert schema.field("pad_itch").title == "Itch"
    assert (schema.optional_block, schema.subgroups) == (("pad_itch",), ("pad_itch",))
    assert schema.outcomes == {"pad_biopsied": "it follows"}
    assert list(table.pad_itch) == [None, "unknown"]
    assert not {"itch", "biopsied"} & set(table.columns)
