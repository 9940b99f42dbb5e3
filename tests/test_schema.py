from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pydantic import ValidationError

from mmskin.errors import DataError
from mmskin.schema import Field, History, Schema

SCHEMA = Schema(
    name="tiny",
    classes=("NEV", "MEL"),
    fields=(
        Field(name="age", kind="numeric", unit="years", low=0, high=120),
        Field(name="since", kind="duration", low=0),
        Field(name="site", kind="categorical", choices=("Face", "arm")),
        Field(name="itch", kind="yes_no", label="Does it itch?"),
    ),
    optional_block=("age", "itch"),
    outcomes={"biopsied": "only suspicious lesions are biopsied"},
)


@pytest.mark.parametrize(
    ("name", "raw", "stored"),
    [
        ("itch", "yes", "yes"),
        ("itch", True, "yes"),
        ("itch", 0, "no"),
        ("itch", " False ", "no"),
        ("itch", "UNK", "unknown"),  # asked, and not known
        ("itch", "", None),  # not recorded
        ("itch", None, None),
        ("age", "62", 62.0),
        ("age", 0, 0.0),
        ("age", 120, 120.0),
        ("age", math.nan, None),
        ("age", "unknown", None),  # a number cannot be unknown, only absent
        ("since", "14", 14.0),
        ("since", "3 months", 3 * 365.25 / 12),
        ("since", "since 2 years", 2 * 365.25),
        ("age", "5,5", 5.5),
        ("age", "45 years", 45.0),
        ("age", "45-50", 47.5),
        ("age", ">80", 80.0),
        ("itch", "1.0", "yes"),
        ("itch", "Nein", "no"),
        ("itch", "sí", "yes"),
        ("site", "FACE", "Face"),
        ("site", "unknown", "unknown"),
    ],
)
def test_a_value_is_stored_in_one_of_its_states(name: str, raw: object, stored: object) -> None:
    assert SCHEMA.field(name).parse(raw) == stored


@pytest.mark.parametrize(
    ("name", "raw", "told"),
    [
        ("age", "121", "age='121' must lie between 0.0 and 120.0 years"),
        ("age", "-1", "must lie between"),
        ("age", "old", "age='old' must be a number of years: 'old' is no number of years"),
        ("age", "1,234", "a decimal comma or a comma for thousands"),
        ("age", "70 kg", "'70 kg' is in 'kg', and years is asked for"),
        ("age", "inf", "must be a number of years: 'inf' is not finite"),
        ("since", "-3", "since='-3' must be 0.0 or more days"),
        ("since", "a while", "since='a while' must be a number of days, or one with its unit, such as 3 months"),
        ("since", "since 2019", "names a year, and how long it has been is asked for"),
        ("itch", "maybe", "itch='maybe' must be yes, no or unknown, or left out"),
        ("site", "fase", r"site value 'fase' does not exist\. Did you mean 'Face'\? .* arm, unknown"),
    ],
)
def test_a_value_that_is_not_admissible_is_refused_by_name(name: str, raw: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        SCHEMA.field(name).parse(raw)


def test_a_bare_number_is_in_the_declared_unit_and_the_reader_is_told() -> None:
    since = Field(name="since", kind="duration", unit="weeks", high=3653)
    assert since.read("17") == (17 * 7, "", "since=17 was read as 17 weeks")
    assert since.read(17.0).value == 17 * 7
    assert since.read("4 months") == (4 * 365.25 / 12, "", "")
    assert since.read("4-6").remark == "since=4-6 was read as 5 weeks (a range, read as its middle)"
    assert since.read("4-6").rule == "range"
    with pytest.raises(DataError, match=r"since='600' must be 3653\.0 or less days"):
        since.read("600")
    with pytest.raises(ValidationError, match="unit 'fortnights' does not exist"):
        Field(name="since", kind="duration", unit="fortnights")


def test_words_of_the_declared_table_mean_what_they_meant_there() -> None:
    itch = Field(name="itch", kind="yes_no", values={"Juckt": "yes", "-9": "", "2": "no"})
    assert [itch.parse(word) for word in ("juckt", "-9", "2", 2.0, "no", "")] == ["yes", None, "no", "no", "no", None]
    site = Field(name="site", kind="categorical", choices=("face", "arm"), values={"Gesicht": "face"})
    assert [site.parse(word) for word in ("GESICHT", "face", "unk")] == ["face", "face", "unknown"]
    with pytest.raises(DataError, match="Did you mean 'Gesicht'"):
        site.parse("Gesict")


def test_an_outcome_column_is_refused_with_its_reason() -> None:
    with pytest.raises(DataError, match=r"'biopsied' is an outcome .* only suspicious lesions are biopsied"):
        SCHEMA.parse_history({"biopsied": "yes"})
    with pytest.raises(DataError, match="outcome column"):
        SCHEMA.with_fields(["age", "biopsied"])


def test_all_faults_of_a_history_are_told_at_once() -> None:
    with pytest.raises(DataError, match=r"age='old' .*; tiny field 'itches' does not exist\. Did you mean 'itch'\?"):
        SCHEMA.parse_history({"age": "old", "itches": "yes"})


def test_an_empty_history_is_one_without_values_and_words() -> None:
    assert History().is_empty()
    assert SCHEMA.parse_history({"age": ""}, "  ").is_empty()
    assert not SCHEMA.parse_history({"itch": "unknown"}).is_empty()
    assert not SCHEMA.parse_history({}, "it bleeds").is_empty()
    assert SCHEMA.parse_history({"age": 3, "itch": None}).recorded() == {"age": 3.0}


def test_narrowing_keeps_the_declared_order_and_narrows_the_optional_block() -> None:
    narrow = SCHEMA.with_fields(["itch", "site"])
    assert narrow.field_names == ("site", "itch")
    assert narrow.optional_block == ("itch",)


def test_a_schema_survives_json() -> None:
    assert Schema.model_validate(json.loads(json.dumps(SCHEMA.to_json()))) == SCHEMA


def test_a_field_without_label_is_named_by_its_name() -> None:
    assert Field(name="skin_tone", kind="yes_no").title == "Skin tone"
    assert SCHEMA.field("itch").title == "Does it itch?"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"classes": ("a", "a")}, "class 'a' is declared twice"),
        ({"classes": ("a",)}, "two classes or more"),
        ({"photos": ()}, "photos must name a kind or more; where there is one it is 'image'"),
        ({"photos": ("derm", "derm")}, "kind of photo 'derm' is declared twice"),
        ({"photos": ("text",)}, "'text' is a part of the history, no kind of photo"),
        ({"photos": ("close-up",)}, "the kind 'close-up' must be of letters, digits and _"),
        ({"optional_block": ("sex",)}, "optional_block names 'sex', which is no field"),
        ({"outcomes": {"age": "why"}}, "'age' is declared as a field and as an outcome"),
        ({"fields": (Field(name="x", kind="yes_no"),) * 2, "optional_block": ()}, "field 'x' is declared twice"),
    ],
)
def test_a_contradictory_declaration_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Schema.model_validate(SCHEMA.model_dump() | changes)


def test_a_schema_saved_before_there_were_kinds_of_photo_has_the_one_kind() -> None:
    saved = SCHEMA.to_json()
    assert saved.pop("photos") == ["image"]
    assert Schema.model_validate(saved) == SCHEMA


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"kind": "categorical"}, "choices belong to categorical fields"),
        ({"kind": "yes_no", "choices": ("a",)}, "choices belong to categorical fields"),
        ({"kind": "categorical", "choices": ("a", "unknown")}, "'unknown' is always admissible"),
    ],
)
def test_a_contradictory_field_is_refused(field: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Field(name="x", **field)
