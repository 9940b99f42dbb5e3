"""What a table that nobody has declared seems to hold: a guess for every column with its reason, and what to ask."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mmskin.audit.outcome_names import outcomes_by_name
from mmskin.data.infer_fields import infer_field, is_number
from mmskin.data.photo_files import PHOTO_SUFFIXES
from mmskin.data.photo_search import search_photos
from mmskin.data.splits import PART_OF_WORD
from mmskin.data.suspicions import accuracy_alone
from mmskin.data.table_files import read_table_file
from mmskin.errors import ConfigError, first_of, one_of
from mmskin.quantities import DAYS, read_quantity

Role = Literal[
    "target", "patient", "lesion", "case", "photo", "text", "split", "field", "outcome", "left out"
]  # fmt: skip
TARGETS = ("diagnosis", "diagnostic", "dx", "target", "label", "class", "condition", "disease", "category", "diagnose")
TEXTS = ("story", "complaint", "history", "note", "notes", "comment", "comments", "description", "anamnesis", "text")
MISSING_WORDS = ("na", "n/a", "nan", "null", "none", "?", "-", ".", "missing", "not recorded", "k.a.", "keine angabe")
MISSING_NUMBERS = ("-9", "-99", "-999", "99", "999", "9999", "-1")
_PATIENT = re.compile(r"(^|_)(patient|subject|person|participant|pat|pid|mrn)(_?(id|no|nr|number|code))?$")
_LESION = re.compile(r"(^|_)lesion(_?(id|no|nr|number))?$")
_CASE = re.compile(r"^(case|record|image|img|isic|row|sample)?_?(id|no|nr|number|name)$|^case$")
_BOOKKEEPING = re.compile(r"^(unnamed.*|index|row|row_?(no|nr|number)|file_?name|path|date.*|.*_date|timestamp)$")
_DATE = re.compile(r"^(\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})([T ].*)?$")
_DURATION = re.compile(r"duration|since|how_long|seit|dauer")
_LONG = 25  # characters of a cell of free text, on average


class ColumnGuess(NamedTuple):
    """A column, what it seems to be and why; entries: what is declared of a field."""

    column: str
    role: Role
    why: str
    sure: bool = True
    entries: Mapping[str, Any] = {}


class FirstLook(NamedTuple):
    """A table at first sight.

    path: of the file. rows: how many. columns: a guess each, in the order of the file.
    classes: cases by class. missing: words of the cells that seem to mean a blank one.
    questions: what only its owner can say, a line each. remarks: of reading the file.
    """

    path: Path
    rows: int
    columns: tuple[ColumnGuess, ...]
    classes: Mapping[str, int]
    missing: tuple[str, ...]
    questions: tuple[str, ...]
    remarks: tuple[str, ...]

    def named(self, role: Role) -> list[ColumnGuess]:
        return [guess for guess in self.columns if guess.role == role]

    def column(self, role: Role) -> str | None:
        """The first column of a role."""
        return next((guess.column for guess in self.named(role)), None)


class _Column(NamedTuple):
    """A column as the guesses see it.

    filled: cells that hold something; labels: of those rows. photos: folder in which files of such names are looked
    for; None where another column names them with their endings.
    """

    name: str
    plain: str
    cells: Sequence[str]
    filled: Sequence[str]
    labels: Sequence[str]
    photos: Path | None


def first_look(path: Path, *, photos: Path | None = None, target: str | None = None) -> FirstLook:
    """Guess what every column of a table is.

    Args:
        path: of the table.
        photos: folder under which the photos lie; that of the table if None.
        target: the column of the label; found by its name if None.

    Raises:
        DataError: the file cannot be read as a table.
        ConfigError: no column of the label, or no such column.
    """
    raw = read_table_file(path)
    names = [str(name) for name in raw.rows]
    label = _target(names, target, path)
    cells = {name: [cell.strip() for cell in raw.rows[name]] for name in names}
    missing = _missing_words(cells.values())
    blank = {"", *(word.lower() for word in missing)}
    folder = None if any(_end_like_photos(of) for of in cells.values()) else photos or path.parent
    columns: list[ColumnGuess] = []
    for name in names:
        if name == label:
            why = "asked for" if target else "by its name"
            columns.append(ColumnGuess(name, "target", why, sure=target is not None or len(_targets(names)) == 1))
            continue
        there = [cell.lower() not in blank for cell in cells[name]]
        filled = [cell for cell, is_there in zip(cells[name], there, strict=True) if is_there]
        labels = [of for of, is_there in zip(cells[label], there, strict=True) if is_there]
        seen = _Column(name, _plain(name), cells[name], filled, labels, folder)
        columns.append(next(guess for rule in _RULES if (guess := rule(seen))))
    classes = Counter(cell for cell in cells[label] if cell.lower() not in blank)
    look = FirstLook(path, len(raw.rows), tuple(columns), classes, missing, (), raw.remarks)
    return look._replace(questions=tuple(_questions(look, cells)))


def _target(names: Sequence[str], asked: str | None, path: Path) -> str:
    if asked is not None:
        if asked not in names:
            raise ConfigError(one_of("--target", asked, names))
        return asked
    found = _targets(names)
    if not found:
        raise ConfigError(
            f"{path}: no column is called {first_of(TARGETS, 6)} or the like; name that of the label by --target. The "
            f"columns are: {first_of(names, 60)}"
        )
    return found[0]


def _targets(names: Sequence[str]) -> list[str]:
    """Columns called like labels, the likeliest first."""
    return sorted((n for n in names if _plain(n) in TARGETS), key=lambda name: TARGETS.index(_plain(name)))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _missing_words(columns: Any) -> tuple[str, ...]:
    found = Counter(cell for cells in columns for cell in cells if cell.lower() in MISSING_WORDS)
    return tuple(dict.fromkeys(cell for cell, _ in found.most_common()))


# --- what a column may be, the first that fits ---


def _empty(column: _Column) -> ColumnGuess | None:
    return None if column.filled else ColumnGuess(column.name, "left out", "empty")


def _split(column: _Column) -> ColumnGuess | None:
    parts = {PART_OF_WORD.get(cell.lower()) for cell in column.filled}
    is_split = None not in parts and {"train", "test"} <= parts
    return ColumnGuess(column.name, "split", "words of a split") if is_split else None


def _photo(column: _Column) -> ColumnGuess | None:
    if _end_like_photos(column.filled):
        return ColumnGuess(column.name, "photo", "its cells end like photos")
    if column.photos is None or len(set(column.filled)) * 2 < len(column.filled) or not column.photos.is_dir():
        return None
    found = search_photos(column.photos, column.filled[:200]).found
    if 2 * len(found) >= len(set(column.filled[:200])):
        return ColumnGuess(column.name, "photo", f"photos of these names lie under {column.photos}")
    return None


def _end_like_photos(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and 2 * sum(cell.lower().endswith(PHOTO_SUFFIXES) for cell in filled) >= len(filled)


def _patient(column: _Column) -> ColumnGuess | None:
    return ColumnGuess(column.name, "patient", "by its name") if _PATIENT.search(column.plain) else None


def _lesion(column: _Column) -> ColumnGuess | None:
    return ColumnGuess(column.name, "lesion", "by its name") if _LESION.search(column.plain) else None


def _case(column: _Column) -> ColumnGuess | None:
    is_id = len(set(column.cells)) == len(column.cells) == len(column.filled)
    return ColumnGuess(column.name, "case", "an id, unique") if is_id and _CASE.search(column.plain) else None


def _outcome(column: _Column) -> ColumnGuess | None:
    known = outcomes_by_name([column.name], of="")
    if known:
        (of,) = known.values()
        return ColumnGuess(column.name, "outcome", f"{of.source} calls it one: {of.reason}", sure=False)
    values, classes = Counter(column.filled), set(column.labels)
    if len(values) < 2 or len(classes) < 2 or len(values) > len(column.filled) / 5:
        return None
    if len(set(zip(column.filled, column.labels, strict=True))) == len(classes):
        return ColumnGuess(column.name, "outcome", "every class has one value: the label in other words", sure=False)
    if accuracy_alone(column.filled, column.labels) > 0.99:
        return ColumnGuess(column.name, "outcome", "it tells the label alone", sure=False)
    return None


def _bookkeeping(column: _Column) -> ColumnGuess | None:
    if _BOOKKEEPING.search(column.plain):
        return ColumnGuess(column.name, "left out", "bookkeeping, by its name")
    if sum(bool(_DATE.match(cell)) for cell in column.filled) > 0.8 * len(column.filled):
        return ColumnGuess(column.name, "left out", "dates")
    numbers = [cell for cell in column.cells if cell.isdecimal()]
    counted = [str(int(numbers[0]) + place) for place in range(len(numbers))] if numbers[:1] in (["0"], ["1"]) else []
    if len(numbers) == len(column.cells) > 2 and numbers == counted:
        return ColumnGuess(column.name, "left out", "row numbers")
    return None


def _text(column: _Column) -> ColumnGuess | None:
    if all(_is_time(cell) for cell in column.filled):
        return None
    long = sum(map(len, column.filled)) > _LONG * len(column.filled)
    if column.plain in TEXTS or (long and 2 * len(set(column.filled)) > len(column.filled)):
        return ColumnGuess(column.name, "text", "free text", sure=column.plain in TEXTS)
    return None


def _duration(column: _Column) -> ColumnGuess | None:
    unit = next((unit for unit in DAYS if unit in column.plain), None)
    with_unit = sum(_is_time(cell) for cell in column.filled) > 0.8 * len(column.filled)
    numbers = sum(is_number(cell) for cell in column.filled) > 0.8 * len(column.filled)
    is_time = with_unit or (numbers and (_DURATION.search(column.plain) or (unit and column.plain != "age_years")))
    if not is_time or column.plain.startswith("age"):
        return None
    why = "numbers with units of time" if with_unit and not numbers else f"by its name, in {unit or 'days'}"
    sure = with_unit or unit is not None
    return ColumnGuess(column.name, "field", why, sure, {"kind": "duration", "unit": unit or "days"})


def _field(column: _Column) -> ColumnGuess:
    field, told = infer_field(column.name, column.filled)
    ages = sum(map(_is_age, column.filled)) if "age" in column.plain.split("_") else 0
    if ages > 0.8 * len(column.filled) and (field is None or field.kind == "categorical"):
        entries = {"kind": "numeric", "unit": "years", "low": 0, "high": 120}
        return ColumnGuess(column.name, "field", "ages, some of them as words or ranges", True, entries)
    if field is None:
        return ColumnGuess(column.name, "left out", told, sure="id" in told.split())
    entries = {"kind": field.kind, **({"choices": list(field.choices)} if field.choices else {})}
    if field.is_number:
        entries |= {key: value for key in ("unit", "low", "high") if (value := getattr(field, key)) not in (None, "")}
    return ColumnGuess(column.name, "field", told.partition(":")[0], True, entries)


_RULES: tuple[Callable[[_Column], ColumnGuess | None], ...] = (
    _empty, _split, _photo, _patient, _lesion, _case, _bookkeeping, _outcome, _text, _duration, _field,
)  # fmt: skip


def _is_time(cell: str) -> bool:
    try:
        return not read_quantity(cell, "days").bare
    except ValueError:
        return False


def _is_age(cell: str) -> bool:
    try:
        return 0 <= read_quantity(cell, "years").value <= 120
    except ValueError:
        return False


def _questions(look: FirstLook, cells: Mapping[str, Sequence[str]]) -> list[str]:
    """What the columns leave open."""
    asked = [
        f"{guess.column}: taken for {'an' if guess.role == 'outcome' else 'a'} {guess.role} ({guess.why})"
        for guess in look.columns
        if not guess.sure and guess.role != "left out"
    ]
    patient = look.column("patient")
    if patient is None:
        asked.append("no patient column was found: has nobody two rows? If someone has, name it under patient")
    else:
        asked += _about_patients(cells[patient], patient)
    lesion = look.column("lesion")
    if lesion is not None and look.named("photo") and (several := _repeated(cells[lesion])):
        asked.append(
            f"{lesion}: {several} lesions stand in several rows, each a case of its own; if these are photos of one "
            f"case, set case: {lesion} and one_row_per_photo: true"
        )
    for guess in look.named("field"):
        values = Counter(cells[guess.column])
        codes = [code for code in MISSING_NUMBERS if values[code] > 1 and _lies_apart(code, values)]
        if guess.entries.get("kind") in ("numeric", "duration") and codes:
            asked.append(f"{guess.column}: does {first_of(codes)} mean not recorded? Then put it under missing")
    rare = [f"{name} ({count})" for name, count in look.classes.items() if count < 3 * 5]
    if rare:
        asked.append(
            f"classes with few cases: {first_of(rare)}; leave them out or merge them under data.classes if folds are "
            "refused, and do not read scores of single classes"
        )
    return asked


def _repeated(ids: Sequence[str]) -> int:
    return sum(count > 1 for cell, count in Counter(ids).items() if cell)


def _about_patients(ids: Sequence[str], column: str) -> list[str]:
    counts = Counter(cell for cell in ids if cell)
    asked = []
    if blank := sum(not cell for cell in ids):
        asked.append(f"{column}: {blank} rows have no patient; blank_patients: own makes each its own patient")
    if counts and max(counts.values()) > len(ids) / 2:
        (most, count), *_ = counts.most_common(1)
        asked.append(f"{column}: {most!r} stands in {count} of {len(ids)} rows: is it really one patient?")
    folded = Counter(cell.lower() for cell in counts)
    if twins := [cell for cell in counts if folded[cell.lower()] > 1]:
        asked.append(f"{column}: ids that differ in capitals only: {first_of(twins, 4)}; they count as two patients")
    return asked


def _lies_apart(code: str, values: Mapping[str, int]) -> bool:
    """Whether a number is far from all others of the column."""
    plain = [cell for cell in values if cell not in (code, *MISSING_NUMBERS) and is_number(cell)]
    others = [read_quantity(cell).value for cell in plain]
    if not others:
        return False
    low, high = min(others), max(others)
    return not low - (high - low) / 2 <= float(code) <= high + (high - low) / 2
