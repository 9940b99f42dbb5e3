"""What a column of a table that nobody has declared may be: rules, of which the first that fits makes the guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mmskin.audit.outcome_names import outcomes_by_name
from mmskin.data.infer_fields import infer_field, is_age_column, is_number
from mmskin.data.not_history import after_the_diagnosis, bookkeeping
from mmskin.data.photo_files import PHOTO_SUFFIXES
from mmskin.data.photo_search import search_photos
from mmskin.data.splits import PART_OF_WORD
from mmskin.quantities import DAYS, read_quantity

Role = Literal[
    "target", "patient", "lesion", "case", "photo", "kind of photo", "text", "split", "field", "outcome", "left out"
]  # fmt: skip
TEXTS = (
    "story", "complaint", "history", "note", "notes", "comment", "comments", "description", "remark", "remarks", "text",
    "anamnesis", "anamnese", "bemerkung", "bemerkungen", "beschreibung", "notiz", "kommentar", "observaciones",
    "observações", "histoire",
)  # fmt: skip
_PATIENT = re.compile(
    r"(^|_)(patient(?:en)?|paciente|paziente|subject|person|participant|proband|pat|pid|mrn)(_?(id|no|nr|number|nummer|code))?$"
)
_LESION = re.compile(r"(^|_)(lesion|läsion|lesão|lesione)s?(_?(id|no|nr|number|nummer))?$")
_CASE = re.compile(r"^(case|record|image|img|isic|row|sample|fall)?_?(id|no|nr|number|nummer|name)$|^(case|fall)$")
_DURATION = re.compile(r"duration|since|how_long|seit|dauer")
_LONG = 25  # characters of a cell of free text, on average
_MOSTLY = 0.8  # of a column


class ColumnGuess(NamedTuple):
    """A column, what it seems to be and why; entries: what is declared of a field."""

    column: str
    role: Role
    why: str
    sure: bool = True
    entries: Mapping[str, Any] = {}


class Column(NamedTuple):
    """A column as the guesses see it.

    plain: its name in small letters, with _ for what is no letter. filled: cells that hold something; labels: of those
    rows. photos: folder in which files of such names are looked for; None where another column names them with their
    endings.
    """

    name: str
    plain: str
    cells: Sequence[str]
    filled: Sequence[str]
    labels: Sequence[str | None]
    photos: Path | None


def guess_column(column: Column) -> ColumnGuess:
    """By the first rule that fits; the last one always does."""
    return next(guess for rule in _RULES if (guess := rule(column)))


def end_like_photos(cells: Sequence[str]) -> bool:
    """Whether half of the cells that are not blank, or more, end like files of photos."""
    filled = [cell for cell in cells if cell]
    return bool(filled) and 2 * sum(cell.lower().endswith(PHOTO_SUFFIXES) for cell in filled) >= len(filled)


def _empty(column: Column) -> ColumnGuess | None:
    return None if column.filled else ColumnGuess(column.name, "left out", "empty")


def _constant(column: Column) -> ColumnGuess | None:
    if len(column.filled) < len(column.cells) or len(set(column.filled)) > 1:
        return None
    return ColumnGuess(column.name, "left out", "the same in every row")


def _split(column: Column) -> ColumnGuess | None:
    parts = {PART_OF_WORD.get(cell.lower()) for cell in column.filled}
    is_split = None not in parts and {"train", "test"} <= parts
    return ColumnGuess(column.name, "split", "words of a split") if is_split else None


def _photo(column: Column) -> ColumnGuess | None:
    if end_like_photos(column.filled):
        return ColumnGuess(column.name, "photo", "its cells end like photos")
    if column.photos is None or len(set(column.filled)) * 2 < len(column.filled) or not column.photos.is_dir():
        return None
    found = search_photos(column.photos, column.filled[:200]).found
    if 2 * len(found) >= len(set(column.filled[:200])):
        return ColumnGuess(column.name, "photo", f"photos of these names lie under {column.photos}")
    return None


def _patient(column: Column) -> ColumnGuess | None:
    return ColumnGuess(column.name, "patient", "by its name") if _PATIENT.search(column.plain) else None


def _lesion(column: Column) -> ColumnGuess | None:
    return ColumnGuess(column.name, "lesion", "by its name") if _LESION.search(column.plain) else None


def _case(column: Column) -> ColumnGuess | None:
    is_id = len(set(column.cells)) == len(column.cells) == len(column.filled)
    return ColumnGuess(column.name, "case", "an id, unique") if is_id and _CASE.search(column.plain) else None


def _outcome(column: Column) -> ColumnGuess | None:
    known = outcomes_by_name([column.name], of="")
    if known:
        (of,) = known.values()
        return ColumnGuess(column.name, "outcome", f"{of.source} calls it one: {of.reason}", sure=False)
    why = after_the_diagnosis(column.name, column.filled, column.labels)
    return ColumnGuess(column.name, "outcome", why, sure=False) if why else None


def _bookkeeping(column: Column) -> ColumnGuess | None:
    why = bookkeeping(column.name, column.cells)
    return ColumnGuess(column.name, "left out", why) if why else None


def _text(column: Column) -> ColumnGuess | None:
    if all(_reads_as(cell, "days") for cell in column.filled):
        return None
    is_long = sum(map(len, column.filled)) > _LONG * len(column.filled)
    if column.plain in TEXTS or (is_long and 2 * len(set(column.filled)) > len(column.filled)):
        return ColumnGuess(column.name, "text", "free text", sure=column.plain in TEXTS)
    return None


def _duration(column: Column) -> ColumnGuess | None:
    unit = next((unit for unit in DAYS if unit in column.plain), None)
    with_unit = _mostly(column.filled, lambda cell: _reads_as(cell, "days"))
    numbers = _mostly(column.filled, is_number)
    is_time = with_unit or (numbers and (_DURATION.search(column.plain) or unit))
    if not is_time or is_age_column(column.name):
        return None
    why = "numbers with units of time" if with_unit and not numbers else f"by its name, in {unit or 'days'}"
    sure = with_unit or unit is not None
    return ColumnGuess(column.name, "field", why, sure, {"kind": "duration", "unit": unit or "days"})


def _field(column: Column) -> ColumnGuess:
    field, told = infer_field(column.name, column.filled)
    if field is None:
        return ColumnGuess(column.name, "left out", told, sure="id" in told.split())
    entries = {"kind": field.kind, **({"choices": list(field.choices)} if field.choices else {})}
    if field.is_number:
        entries |= {key: value for key in ("unit", "low", "high") if (value := getattr(field, key)) not in (None, "")}
    return ColumnGuess(column.name, "field", told.partition(":")[0], True, entries)


_RULES: tuple[Callable[[Column], ColumnGuess | None], ...] = (
    _empty, _split, _photo, _patient, _lesion, _case, _constant, _bookkeeping, _outcome, _text, _duration, _field,
)  # fmt: skip


def _mostly(cells: Sequence[str], is_so: Callable[[str], bool]) -> bool:
    return sum(map(is_so, cells)) > _MOSTLY * len(cells)


def _reads_as(cell: str, unit: str) -> bool:
    """Whether it is a number with a unit that can be converted."""
    try:
        return not read_quantity(cell, unit).bare
    except ValueError:
        return False
