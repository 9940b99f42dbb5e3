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
        ("site", "FACE", "Face"),
        ("site", "unknown", "unknown"),
    ],
)
def test_a_value_is_stored_in_one_of_its_states(name: str, raw: object, stored: object) -> None:
    assert SCHEMA.field(name).parse(raw) == stored


@pytest.mark.parametrize(
    ("name", "raw", "told"),
    [
        ("age", "121", "age='121' must lie between 0.0 and 120.0 of years"),
        ("age", "-1", "must lie between"),
        ("age", "5,5", "age='5,5' must be a number of years, with a point, no unit"),
        ("age", "inf", "must be a finite number"),
        ("since", "-3", "since='-3' must be 0.0 or more of days"),
        ("itch", "maybe", "itch='maybe' must be yes, no or unknown, or left out"),
        ("site", "fase", r"site value 'fase' does not exist\. Did you mean 'Face'\? .* arm, unknown"),
    ],
)
def test_a_value_that_is_not_admissible_is_refused_by_name(name: str, raw: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        SCHEMA.field(name).parse(raw)


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
