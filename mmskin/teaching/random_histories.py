"""Histories drawn from a declaration: no patient is in them, and no label."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mmskin.encoders.field_reader import declared_range
from mmskin.schema import UNKNOWN, Field, FieldValue, History, Schema
from mmskin.teaching.lexicon import AGE, DURATION, concepts_of, lexicon

UNKNOWN_RATE = 0.12  # of what was asked, the patient does not know; rarer than yes or no, as in a clinic
LIFELONG, LIFELONG_UP_TO = 0.12, 60.0
"""Share of the patients up to that age, of whom age and duration are recorded, who have had it all their life."""
DAYS_OF_A_YEAR = 365.25
HALVES = (0.25, 0.5, 0.5, 1.5, 2.5, 10.0, 20.0)
"""Years that have words of their own: half a year, a year and a half, a decade."""
SPOKEN_TIMES = ((1.0, 13), (7.0, 11), (365.25 / 12, 23), (365.25, 45))
"""Days of a unit and how many of it people say: 1 to 13 days, 1 to 11 weeks, 1 to 23 months, 1 to 45 years."""


def draw_history(schema: Schema, rng: np.random.Generator) -> History:
    """Every field independently a value, unknown, or not recorded; how many are recorded is drawn first.

    Fields are independent on purpose: an encoder that is taught them must read each from its own words, and never
    guess it from another one. "Since childhood" alone takes two fields to read.
    """
    rate = rng.uniform(0.1, 0.95)
    recorded = [field for field in schema.fields if rng.random() < rate]
    values = {field.name: draw_value(field, rng) for field in recorded}
    return History(values | _lifelong(schema, values, rng))


def _lifelong(schema: Schema, values: Mapping[str, FieldValue], rng: np.random.Generator) -> dict[str, FieldValue]:
    """Now and then a duration that began in childhood or at birth: the one time that is told by the patient's age."""
    named = {concept: name for name, concept in concepts_of(schema).items()}
    age, duration = values.get(named.get(AGE, "")), named.get(DURATION, "")
    if not isinstance(age, float) or not 15 <= age <= LIFELONG_UP_TO or duration not in values:
        return {}
    if rng.random() >= LIFELONG:
        return {}
    from_age = rng.choice([told["from_age"] for told in lexicon()[DURATION]["lifelong"]])
    return {duration: (age - float(from_age)) * DAYS_OF_A_YEAR}


def draw_value(field: Field, rng: np.random.Generator) -> FieldValue:
    """A value that is recorded: each choice equally likely, numbers over the declared range."""
    if field.kind == "duration":
        return draw_duration(rng)
    if field.is_number:
        return _draw_number(field, rng)
    if rng.random() < UNKNOWN_RATE:
        return UNKNOWN
    choices = ("yes", "no") if field.kind == "yes_no" else field.choices
    return choices[int(rng.integers(len(choices)))]


def draw_duration(rng: np.random.Generator) -> float:
    """Days, of a whole number of days, weeks, months or years, small numbers more often, as times are told."""
    if rng.random() < 0.12:
        return HALVES[int(rng.integers(len(HALVES)))] * DAYS_OF_A_YEAR
    days, most = SPOKEN_TIMES[int(rng.choice(4, p=(0.17, 0.23, 0.3, 0.3)))]
    count = int(np.exp(rng.uniform(0, np.log(most + 1))))
    return float(min(max(count, 1), most) * days)


def _draw_number(field: Field, rng: np.random.Generator) -> float:
    """Whole numbers where the range holds enough of them; of an age, those of patients more often than others."""
    low, high = declared_range(field)
    if field.unit == "years" and low <= 1 and high >= 90 and rng.random() < 0.9:
        low, high = max(low, 15.0), 95.0
    number = float(rng.uniform(low, high))
    return float(round(number)) if high - low >= 10 and rng.random() < 0.99 else round(number, 1)
