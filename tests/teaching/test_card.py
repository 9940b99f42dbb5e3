from __future__ import annotations

import math

from mmskin.encoders.field_reader import Reading
from mmskin.schema import Field
from mmskin.teaching.card import FieldScore, is_right, readme, tolerance

AGE = Field(name="age", kind="numeric", unit="years", low=0, high=120)
SIZE = Field(name="size", kind="numeric", unit="mm", low=0, high=50)
SINCE = Field(name="since", kind="duration")
ITCH = Field(name="itch", kind="yes_no")
RECORD = {
    "options": {"steps": 3, "learning_rate": None},
    "slot": {"name": "hashing"},
    "schema": "tiny",
    "schema_digest": "ab",
    "digest": "cd",
    "sentences": 200,
    "cpu_seconds": 1.0,
}


def test_a_number_is_right_within_what_its_kind_allows() -> None:
    assert (tolerance(AGE, 60.0), tolerance(SIZE, 5.0), tolerance(SINCE, 10.0)) == (2.0, 1.0, 2.0)
    assert is_right(AGE, 60.0, Reading(62.0, 1.0))
    assert not is_right(AGE, 60.0, Reading(62.1, 1.0))
    assert is_right(SINCE, 365.25, Reading(300.0, 1.0))
    assert not is_right(SINCE, 365.25, Reading(290.0, 1.0))


def test_what_is_not_stated_is_right_only_as_not_recorded() -> None:
    assert is_right(ITCH, None, Reading(None, 0.9))
    assert not is_right(ITCH, None, Reading("no", 0.9))
    assert not is_right(ITCH, "unknown", Reading(None, 0.9))
    assert not is_right(AGE, 60.0, Reading(None, 0.9))


def test_the_card_says_what_was_forgotten_and_where_nothing_can_be_said() -> None:
    scores = [FieldScore("itch", 0.9876, 0.95, 1.0, math.nan)]
    kept, lost = readme(RECORD, scores, 0.93), readme(RECORD, scores, 0.85)
    assert "| itch | 0.988 | 0.950 | 1.000 | n/a |" in kept
    assert "forgotten" not in kept
    assert "below 0.9: it has forgotten some of what it knew" in lost
    assert "options: steps 3\n" in kept
