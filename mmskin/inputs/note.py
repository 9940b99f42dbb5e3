"""A history as one clinical note: the words that a text encoder reads.

The wordings come from the data set's declaration (`Field.phrases`), so a new data set needs no code here.
"""

from __future__ import annotations

import math

import numpy as np

from mmskin.schema import UNKNOWN, Field, FieldValue, History, Schema
from mmskin.sentence import Sentence

_DAYS_PER_MONTH = 365.25 / 12
_DAYS_PER_YEAR = 365.25


def render_note(history: History, schema: Schema, *, rng: np.random.Generator | None = None) -> str:
    """What the history holds, one sentence per recorded field, then the patient's own words in quotes.

    Fields that are not recorded, or that the schema does not declare, are left out; an empty history gives "".

    Args:
        history: values as `Field.parse` gives them.
        schema: names the fields, their order and their wordings.
        rng: None for evaluation: declared order, first wordings. With a generator, as in training, the order of the
            sentences and the wordings are drawn; the free text stays last. The facts told are the same.
    """
    recorded = [(field, value) for field in schema.fields if (value := history.fields.get(field.name)) is not None]
    if rng is not None:
        recorded = [recorded[i] for i in rng.permutation(len(recorded))]
    sentences = [_sentence(field, value, rng) for field, value in recorded]
    words = " ".join((history.text or "").split())
    if words:
        quoted = words.replace('"', "'")  # so that the quotation ends where the patient's words end
        sentences.append(f'Patient: "{quoted}"')
    return " ".join(sentences)


def say_duration(days: float) -> str:
    """A time as people say it: "3 days", "2 weeks", "6 months", "2 years".

    Rounded to whole days up to 13 (7 is "1 week"), to whole weeks up to 59 (28 to 31 are "1 month"), to whole months up
    to 23 (12 are "1 year"), to whole years beyond; halves go up. From whole days, what is said is never off by more
    than about a fifth. A month is 365.25 / 12 days. Less than half a day is "less than a day".

    Raises:
        ValueError: days is negative or not finite.
    """
    if not math.isfinite(days) or days < 0:
        raise ValueError(f"a duration must be a finite number of days, 0 or more, however: days={days}")
    whole = _round(days)
    if whole == 0:
        return Sentence("less than a day")
    if whole < 14:
        return _count(1, "week") if whole == 7 else _count(whole, "day")
    if whole < 60:
        return _count(1, "month") if 28 <= whole <= 31 else _count(_round(whole / 7), "week")
    months = _round(days / _DAYS_PER_MONTH)
    if months < 24:
        return _count(1, "year") if months == 12 else _count(months, "month")
    return _count(_round(days / _DAYS_PER_YEAR), "year")


def say_value(field: Field, value: float | str) -> str:
    """A field's value as people say it, without its unit: 62.0 is "62", 14 days are "2 weeks", "on_leg" is "on leg"."""
    if isinstance(value, str):
        return value.replace("_", " ")
    if field.kind == "duration":
        return say_duration(value)
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def say_with_unit(field: Field, value: float | str) -> str:
    """The same with its unit, for a person to read: "62 years"; a choice as the page's language has it."""
    said = say_value(field, value)
    if isinstance(value, str) or field.kind == "duration" or not field.unit:
        return said
    return Sentence("{number} {unit}", number=said, unit=field.unit)


def _sentence(field: Field, value: FieldValue, rng: np.random.Generator | None) -> str:
    assert value is not None
    said = say_value(field, value)
    wordings = _wordings(field, value)
    wording = wordings[0 if rng is None else int(rng.integers(len(wordings)))].replace("{value}", said).strip()
    ended = wording if wording.endswith((".", "!", "?")) else f"{wording}."
    return ended[0].upper() + ended[1:]


def _wordings(field: Field, value: float | str) -> tuple[str, ...]:
    """The declared wordings of a value. "value" speaks for any number or choice, but not for "unknown"."""
    key = value if isinstance(value, str) else "value"
    by_key = field.phrases.get(key) or (field.phrases.get("value") if key != UNKNOWN else None)
    unit = f" {field.unit}" if field.kind == "numeric" and field.unit else ""
    return by_key or (f"{field.title}: {{value}}{unit}",)


def _round(number: float) -> int:
    """Halves go up, which Python's round does not do."""
    return math.floor(number + 0.5)


def _count(number: int, unit: str) -> Sentence:
    return Sentence("{number} {unit}", number=number, unit=unit if number == 1 else f"{unit}s")
