"""The clinical note: pinned word for word, since what an encoder reads is what a model knows."""

from __future__ import annotations

import numpy as np
import pytest

from mmskin.inputs.note import render_note, say_duration
from mmskin.schema import Field, History, Schema

SCHEMA = Schema(
    name="clinic",
    classes=("BCC", "NEV"),
    fields=(
        Field(name="age", kind="numeric", unit="years", phrases={"value": ("{value}-year-old.", "aged {value}")}),
        Field(name="region", kind="categorical", choices=("forearm", "back_of_hand"), phrases={"value": ("{value}",)}),
        Field(name="duration", kind="duration", phrases={"value": ("For {value}.", "Since {value} ago.")}),
        Field(name="itch", kind="yes_no", phrases={"yes": ("Itches.", "It is itchy."), "no": ("Does not itch.",)}),
        Field(name="diameter", kind="numeric", unit="mm"),
    ),
)
FULL = History(
    fields={"itch": "yes", "age": 62.0, "region": "forearm", "duration": 182.0, "diameter": 12.0},
    text="it scabs and comes back",
)


def test_note_reads_as_the_declaration_says() -> None:
    assert render_note(FULL, SCHEMA) == (
        '62-year-old. Forearm. For 6 months. Itches. Diameter: 12 mm. Patient: "it scabs and comes back"'
    )


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"itch": "no"}, "Does not itch."),
        ({"itch": "unknown"}, "Itch: unknown."),
        ({"region": "unknown"}, "Region: unknown."),  # "value" speaks for choices; nobody says "On the unknown"
        ({"region": "back_of_hand"}, "Back of hand."),
        ({"diameter": 4.5}, "Diameter: 4.5 mm."),
        ({"age": 0.0}, "0-year-old."),
        ({"duration": 14.0}, "For 2 weeks."),
        ({"age": None, "itch": None}, ""),
        ({}, ""),
    ],
)
def test_single_values_are_worded(fields: dict[str, float | str | None], note: str) -> None:
    assert render_note(History(fields=fields), SCHEMA) == note


def test_fields_of_another_schema_are_not_told() -> None:
    assert render_note(History(fields={"biopsed": "yes"}), SCHEMA) == ""
    assert render_note(FULL, SCHEMA.with_fields(["age"])) == '62-year-old. Patient: "it scabs and comes back"'


def test_free_text_stays_inside_one_pair_of_quotes() -> None:
    history = History(text='says "cancer"\n\n twice')
    assert render_note(history, SCHEMA) == "Patient: \"says 'cancer' twice\""


def test_braces_in_a_choice_are_only_text() -> None:
    schema = Schema(
        name="s", classes=("a", "b"), fields=(Field(name="x", kind="categorical", choices=("{value}{0}",)),)
    )
    assert render_note(History(fields={"x": "{value}{0}"}), schema) == "X: {value}{0}."


def test_drawn_notes_tell_the_same_facts_in_other_orders_and_words() -> None:
    notes = {render_note(FULL, SCHEMA, rng=np.random.default_rng(seed)) for seed in range(50)}
    assert len(notes) > 20
    for note in notes:
        assert ("62-year-old." in note) + ("Aged 62." in note) == 1
        assert ("Itches." in note) + ("It is itchy." in note) == 1
        assert "6 months" in note
        assert "Diameter: 12 mm." in note
        assert note.endswith('Patient: "it scabs and comes back"')


def test_same_generator_state_gives_the_same_note() -> None:
    first, second = (render_note(FULL, SCHEMA, rng=np.random.default_rng(7)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0.2, "less than a day"),
        (1, "1 day"),
        (3, "3 days"),
        (7, "1 week"),
        (10, "10 days"),
        (14, "2 weeks"),
        (28, "1 month"),
        (30, "1 month"),
        (42, "6 weeks"),
        (60, "2 months"),
        (182, "6 months"),
        (365, "1 year"),
        (548, "18 months"),
        (730, "2 years"),
        (3650, "10 years"),
    ],
)
def test_durations_as_people_say_them(days: float, said: str) -> None:
    assert say_duration(days) == said


def test_said_durations_grow_and_stay_within_a_fifth() -> None:
    unit_days = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}
    heard = []
    for days in range(1, 5000):
        number, unit = say_duration(days).split()
        heard.append(int(number) * unit_days[unit.removesuffix("s")])
        assert abs(heard[-1] / days - 1) < 0.21
    assert heard == sorted(heard)


@pytest.mark.parametrize("days", [-1.0, float("nan"), float("inf")])
def test_impossible_durations_are_refused(days: float) -> None:
    with pytest.raises(ValueError, match="finite number of days"):
        say_duration(days)
