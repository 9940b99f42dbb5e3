"""What kind of field a column of text is, where its owner did not say: a guess that is always told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mmskin.data.column_names import plain_name
from mmskin.quantities import read_quantity
from mmskin.schema import NO_WORDS, UNKNOWN_WORDS, YES_WORDS, Field

_UNKNOWN = {*UNKNOWN_WORDS}
_AGES = re.compile(r"^(age|age_years|age_approx|alter|âge|edad|idade|età|leeftijd|возраст|年龄|年齡)$")
_UNIT_IN_NAME = re.compile(r"[(\[]\s*([^\W\d_]+)\s*[)\]]\s*$|\bin ([^\W\d_]+)$")
_UNIT_IN_CELL = re.compile(r"\d\s*([^\W\d_]+)\.?$")
_MOSTLY = 0.8  # of a column must be numbers for the rest to be typing errors
_MOST_CHOICES = 30  # beyond that a column is an id or free text
_LONGEST_CHOICE = 60  # characters


class Guess(NamedTuple):
    """A field, or None where the column should not be one silently; and what to tell the user."""

    field: Field | None
    told: str


def infer_field(name: str, cells: Sequence[str]) -> Guess:
    """The field that a column seems to hold.

    Yes/no words make a yes_no field, and so do 0 and 1; other numbers (four in five cells at least) a numeric one; up
    to 30 short values that repeat, twice on average, a categorical one. A column named age is of years from 0 to 120;
    numbers some of which have a unit, such as "6 mm", are in that of the name, "diameter (mm)", or the commonest one.

    Args:
        name: of the column, and of the field.
        cells: stripped, the blank ones left out.
    """
    if not cells:
        return Guess(None, "empty")
    words = {cell.lower() for cell in cells}
    answers = {word.removesuffix(".0") for word in words} - _UNKNOWN
    if answers and answers <= {*YES_WORDS, *NO_WORDS}:
        return Guess(Field(name=name, kind="yes_no"), "yes_no")
    if name.lower() == "id" or name.lower().endswith(("_id", " id")):
        return Guess(None, "an id, by its name")
    if sum(is_number(cell) for cell in cells) >= _MOSTLY * len(cells):
        if is_age_column(name):
            return Guess(_age(name), "numeric, 0 to 120 years")
        unit = _unit_in_name(name)
        return Guess(Field(name=name, kind="numeric", unit=unit), f"numeric, in {unit}" if unit else "numeric")
    if is_age_column(name) and _reads(cells, "years"):
        return Guess(_age(name), "ages, some of them as words or ranges")
    unit = _unit_in_name(name) or _commonest_unit(cells)
    if unit and _reads(cells, unit):
        return Guess(Field(name=name, kind="numeric", unit=unit), f"numbers, some with their unit, in {unit}")
    if max(map(len, words)) > _LONGEST_CHOICE or len(words) > min(_MOST_CHOICES, len(cells) / 2):
        return Guess(None, f"{len(words)} different values: an id or free text")
    choices = infer_choices(cells)
    return Guess(Field(name=name, kind="categorical", choices=choices), tell_choices(choices, cells))


def infer_choices(cells: Sequence[str]) -> tuple[str, ...]:
    """The values of a column, sorted, in their most frequent spelling where they differ in case only."""
    counts = Counter(cells)
    spelling: dict[str, str] = {}
    for cell in sorted(counts, key=lambda cell: (-counts[cell], cell)):
        spelling.setdefault(cell.lower(), cell)
    return tuple(sorted(cell for lower, cell in spelling.items() if lower not in _UNKNOWN))


def tell_choices(choices: Sequence[str], cells: Sequence[str]) -> str:
    """The choices, with the spellings that are read as one of them: "categorical: arm (also Arm), leg"."""
    told = []
    for choice in choices:
        others = sorted({cell for cell in cells if cell.lower() == choice.lower()} - {choice})
        told.append(f"{choice} (also {', '.join(others)})" if others else choice)
    return f"categorical: {', '.join(told)}"


def is_age_column(name: str) -> bool:
    """Whether a column is named like ages, in one of several languages."""
    return bool(_AGES.match(plain_name(name)))


def _age(name: str) -> Field:
    return Field(name=name, kind="numeric", unit="years", low=0, high=120)


def _unit_in_name(name: str) -> str:
    found = _UNIT_IN_NAME.search(name)
    return (found[1] or found[2]).lower() if found else ""


def _commonest_unit(cells: Sequence[str]) -> str:
    units = Counter(found[1].lower() for cell in cells if (found := _UNIT_IN_CELL.search(cell)))
    return units.most_common(1)[0][0] if units else ""


def _reads(cells: Sequence[str], unit: str) -> bool:
    """Whether the cells are numbers in a unit, as good as all."""
    read = 0
    for cell in cells:
        try:
            read += read_quantity(cell, unit) is not None
        except ValueError:
            continue
    return read > _MOSTLY * len(cells)


def is_number(cell: str) -> bool:
    """Whether it is a plain number, with a point or a comma; ranges and units are for their owner to declare."""
    try:
        read = read_quantity(cell)
    except ValueError:
        return False
    return read.bare and read.rule in ("", "comma")
