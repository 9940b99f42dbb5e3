"""Red flags: what raises them, and what a schema refuses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mmskin.red_flags import Condition, RedFlag
from mmskin.schema import Field, History, Schema

SCHEMA = Schema(
    name="s",
    classes=("a", "b"),
    fields=(
        Field(name="bleed", kind="yes_no"),
        Field(name="age", kind="numeric"),
        Field(name="site", kind="categorical", choices=("arm", "face")),
    ),
    red_flags=(
        RedFlag.model_validate({"reason": "it has bled", "when": {"bleed": "yes"}}),
        RedFlag.model_validate({"reason": "old, on the face", "when": {"age": {"at_least": 60}, "site": "face"}}),
    ),
)


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({}, ()),
        ({"bleed": "unknown", "age": 90.0}, ()),
        ({"bleed": "yes"}, ("it has bled",)),
        ({"bleed": None, "age": 60.0, "site": "face"}, ("old, on the face",)),
        ({"bleed": "yes", "age": 59.9, "site": "face"}, ("it has bled",)),
        ({"bleed": "yes", "age": 61.0, "site": "face"}, ("it has bled", "old, on the face")),
    ],
)
def test_a_flag_is_raised_where_all_its_conditions_hold(fields: dict[str, float | str], reasons: tuple[str]) -> None:
    assert SCHEMA.raised_flags(History(fields=fields)) == reasons


def test_both_ends_of_a_bound_are_inside() -> None:
    between = Condition(at_least=1, at_most=2)
    assert [between.holds(value) for value in (0.9, 1.0, 2.0, 2.1, None)] == [False, True, True, False, False]


def test_a_schema_without_a_field_has_no_flag_of_it() -> None:
    assert [flag.reason for flag in SCHEMA.with_fields(["bleed"]).red_flags] == ["it has bled"]


def test_it_survives_json_and_other_names() -> None:
    again = Schema.model_validate(SCHEMA.to_json())
    assert again == SCHEMA
    assert SCHEMA.red_flags[1].renamed({"age": "age_approx"}).is_raised({"age_approx": 70.0, "site": "face"})


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ({"reason": "x", "when": {"blood": "yes"}}, "field 'blood' does not exist"),
        ({"reason": "x", "when": {"bleed": {"at_least": 1}}}, "bleed is yes_no and needs a word"),
        ({"reason": "x", "when": {"age": "yes"}}, "age is numeric and needs a bound"),
        ({"reason": "x", "when": {"site": "leg"}}, "site value 'leg' does not exist"),
        ({"reason": "x", "when": {"age": {"is": "yes", "at_least": 3}}}, "a condition is a word .* or a bound"),
        ({"reason": "", "when": {"bleed": "yes"}}, "reason"),
        ({"reason": "x", "when": {}}, "when"),
    ],
)
def test_what_cannot_be_is_refused(flag: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Schema.model_validate({**SCHEMA.to_json(), "red_flags": [flag]})
