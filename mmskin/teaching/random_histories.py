"""Histories drawn from a declaration: no patient is in them, and no label."""

from __future__ import annotations

import numpy as np

from mmskin.encoders.field_reader import declared_range
from mmskin.schema import UNKNOWN, Field, FieldValue, History, Schema

UNKNOWN_RATE = 0.12  # of what was asked, the patient does not know; rarer than yes or no, as in a clinic
HALVES = (0.25, 0.5, 0.5, 1.5, 2.5, 10.0, 20.0)
"""Years that have words of their own: half a year, a year and a half, a decade."""
SPOKEN_TIMES = ((1.0, 13), (7.0, 11), (365.25 / 12, 23), (365.25, 45))
"""Days of a unit and how many of it people say: 1 to 13 days, 1 to 11 weeks, 1 to 23 months, 1 to 45 years."""


def draw_history(schema: Schema, rng: np.random.Generator) -> History:
    """Every field independently a value, unknown, or not recorded; how many are recorded is drawn first.

    Fields are independent on purpose: an encoder that is taught them must read each from its own words, and never
    guess it from another one.
    """
    rate = rng.uniform(0.1, 0.95)
    recorded = [field for field in schema.fields if rng.random() < rate]
    return History({field.name: draw_value(field, rng) for field in recorded})


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
        return HALVES[int(rng.integers(len(HALVES)))] * 365.25
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
