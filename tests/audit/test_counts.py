"""How many there are, counted by hand and in the real files."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from real_data import real_data

from mmskin.audit.counts import count_classes, count_subgroups, map_recorded, recorded, suffice
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.schema import Field, Schema

SCHEMA = Schema(
    name="toy",
    classes=("bad", "good", "never met"),
    fields=(
        Field(name="age", kind="numeric"),
        Field(name="tone", kind="categorical", choices=("light", "dark", "darkest")),
        Field(name="itch", kind="yes_no"),
    ),
    subgroups=("clinic",),
)


def table() -> pd.DataFrame:
    """Six cases of four patients; the last has no label."""
    return pd.DataFrame(
        {
            "case_id": list("abcdef"),
            "patient_id": ["p1", "p1", "p2", "p3", "p3", "p4"],
            "lesion_id": ["l1", "l1", "l2", "l3", "l4", "l5"],
            "images": [("x",), (), ("y",), ("z",), ("z",), ("w",)],
            "target": ["bad", "bad", "bad", "good", "good", None],
            "text": ["sore", None, None, None, None, "sore"],
            "age": [50.0, None, 60.0, None, None, 3.0],
            "tone": ["light", None, "dark", "light", "unknown", "darkest"],
            "itch": ["unknown", "yes", "no", None, "no", "yes"],
            "clinic": ["north", "north", "south", "north", None, "south"],
        },
        dtype=object,
    )


def test_classes_are_counted_with_their_patients_and_lesions() -> None:
    few = "too few to say"
    assert count_classes(table(), SCHEMA).to_numpy().tolist() == [
        ["bad", 3, 2, 2, few],
        ["good", 2, 1, 2, few],
        ["never met", 0, 0, 0, few],
    ]


@pytest.mark.parametrize(("cases", "patients", "enough"), [(30, 10, True), (29, 29, False), (90, 9, False)])
def test_thirty_cases_of_ten_patients_are_enough(cases: int, patients: int, enough: bool) -> None:
    assert suffice(pd.Series([f"p{i % patients}" for i in range(cases)])) is enough


def test_subgroups_add_up_and_tell_of_choices_that_nobody_has() -> None:
    rows = count_subgroups(table(), SCHEMA)
    assert list(dict.fromkeys(rows.column)) == ["clinic", "tone"]
    every = rows[rows["class"] == ""].set_index(["column", "value"])
    assert every.n.to_dict() == {
        ("clinic", "north"): 3,
        ("clinic", "south"): 1,
        ("clinic", "not recorded"): 1,
        ("tone", "light"): 2,
        ("tone", "dark"): 1,
        ("tone", "darkest"): 0,
        ("tone", "unknown"): 1,
        ("tone", "not recorded"): 1,
    }
    assert every.patients["clinic", "north"] == 2
    by_class = rows[(rows["class"] != "") & (rows.value == "north")]
    assert by_class.n.tolist() == [2, 1, 0]


def test_unknown_is_recorded_and_a_case_without_photos_has_none() -> None:
    assert recorded(table(), "itch").tolist() == [True, True, True, False, True, True]
    assert recorded(table(), "images").tolist() == [True, False, True, True, True, True]


def test_shares_recorded_by_hand() -> None:
    rows = map_recorded(table(), SCHEMA).set_index(["field", "class"])
    assert list(dict.fromkeys(rows.index.get_level_values(0))) == ["age", "tone", "itch", "text", "images"]
    assert rows.share["age", ""] == pytest.approx(2 / 5)  # the case without label is not counted
    assert rows.share["age", "bad"] == pytest.approx(2 / 3)
    assert rows.share["age", "good"] == 0
    assert (rows.recorded["text", "bad"], rows.n["text", "bad"]) == (1, 3)
    assert np.isnan(rows.share["age", "never met"])


def test_the_real_counts_are_those_of_the_file() -> None:
    cases = PadUfes20().load(real_data("pad_ufes_20"))
    classes = count_classes(cases.table, cases.schema).set_index("class")
    assert (classes.n["MEL"], classes.patients["MEL"], set(classes.note)) == (49, 34, {""})
    subgroups = count_subgroups(cases.table, cases.schema)
    tones = subgroups[(subgroups.column == "fitzpatrick") & (subgroups["class"] == "")].set_index("value")
    assert tones.n.to_dict() == {"1": 84, "2": 435, "3": 208, "4": 40, "5": 5, "6": 1, "not recorded": 464}
    assert tones.index[tones.note != ""].tolist() == ["5", "6"]
    shares = map_recorded(cases.table, cases.schema).set_index(["field", "class"]).share
    for name, blank in {"ACK": 181 / 324, "BCC": 0, "MEL": 0, "NEV": 149 / 222, "SCC": 0, "SEK": 134 / 170}.items():
        assert shares["smoke", name] == pytest.approx(1 - blank)
    assert shares["age", ""] == 1


def test_every_count_is_written_as_plain_json() -> None:
    written = json.loads(map_recorded(table(), SCHEMA).to_json(orient="records"))
    assert written[0] == {"field": "age", "class": "", "recorded": 2, "n": 5, "share": 0.4}
    assert written[3] == {"field": "age", "class": "never met", "recorded": 0, "n": 0, "share": None}
