"""What a table that nobody has declared seems to hold: a guess for every column with its reason, and what to ask."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmskin.audit.column_guesses import Column, ColumnGuess, Role, end_like_photos, guess_column
from mmskin.data.column_names import plain_name
from mmskin.data.infer_fields import is_number
from mmskin.data.suspicions import commonest_spelling, odd_patients
from mmskin.data.table_files import read_table_file
from mmskin.errors import ConfigError, first_of, one_of
from mmskin.quantities import read_quantity

TARGETS = (
    "diagnosis", "diagnostic", "dx", "target", "label", "class", "condition", "disease", "category", "diagnose",
    "diagnostico", "diagnóstico", "diagnosi", "диагноз", "诊断",
)  # fmt: skip
_LEVEL = re.compile(r"^(?:iddx|diagnosis|dx)_?(\d)$")  # of a diagnosis told from coarse to fine, as ISIC does
_MOSTLY = 0.8
MISSING_WORDS = ("na", "n/a", "nan", "null", "none", "?", "-", ".", "missing", "not recorded", "k.a.", "keine angabe")
MISSING_NUMBERS = ("-9", "-99", "-999", "99", "999", "9999", "-1")
_SCOPE, _CLOSE = re.compile(r"derm(at)?o?s[ck]o|scope"), re.compile(r"clinic|klinik|klinis|close|macro|makro")

Cells = Mapping[str, Sequence[str]]


class PhotoKinds(NamedTuple):
    """Where rows are photos of cases: the column of the case, and that of the kind with what its cells mean."""

    case: str
    column: str
    kinds: Mapping[str, str]


class FirstLook(NamedTuple):
    """A table at first sight.

    path: of the file. rows: how many. columns: a guess each, in the order of the file.
    classes: cases by class, other spellings with the commonest. labels: these spellings, by what they mean.
    missing: words of the cells that seem to mean a blank one. photo_kinds: None where a row is a case.
    unlabelled: cases without a label. blank_patients: rows without an id of the patient. twins: whether ids of patients
    differ in capital letters only.
    questions: what only its owner can say, a line each. remarks: of reading the file.
    """

    path: Path
    rows: int
    columns: tuple[ColumnGuess, ...]
    classes: Mapping[str, int]
    labels: Mapping[str, str] = {}
    missing: tuple[str, ...] = ()
    photo_kinds: PhotoKinds | None = None
    unlabelled: int = 0
    blank_patients: int = 0
    twins: bool = False
    questions: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def named(self, role: Role) -> list[ColumnGuess]:
        return [guess for guess in self.columns if guess.role == role]

    def column(self, role: Role) -> str | None:
        """The first column of a role."""
        return next((guess.column for guess in self.named(role)), None)

    @property
    def target(self) -> str | list[str]:
        """The column of the label, or the columns of 0 and 1."""
        names = [guess.column for guess in self.named("target")]
        return names[0] if len(names) == 1 else names


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
    cells = {str(name): [cell.strip() for cell in raw.rows[name]] for name in raw.rows}
    missing = _missing_words(cells)
    cells = {name: ["" if cell in missing else cell for cell in of] for name, of in cells.items()}
    targets = _targets(cells, target, path)
    labels = _labels(cells, [guess.column for guess in targets])
    folder = None if any(end_like_photos(of) for of in cells.values()) else photos or path.parent
    found = {guess.column: guess for guess in targets}
    for name in cells:
        if name not in found:
            pairs = [(cell, label) for cell, label in zip(cells[name], labels, strict=True) if cell]
            filled, of_filled = [cell for cell, _ in pairs], [label for _, label in pairs]
            found[name] = guess_column(Column(name, plain_name(name), cells[name], filled, of_filled, folder))
    spellings = commonest_spelling(label for label in labels if label)
    look = FirstLook(path, len(raw.rows), tuple(found[name] for name in cells), {}, spellings, missing)
    look = _with_kinds(look, cells, labels)
    if look.photo_kinds:  # a case has one label, however many rows
        labels = list(dict(zip(cells[look.photo_kinds.case], labels, strict=True)).values())
    ids = cells.get(look.column("patient") or "", [])
    look = look._replace(
        classes=Counter(spellings.get(label, label) for label in labels if label),
        unlabelled=labels.count(None),
        blank_patients=sum(not cell for cell in ids),
        twins=len({cell.casefold() for cell in ids}) < len({*ids}),
        remarks=raw.remarks,
    )
    return look._replace(questions=tuple(_questions(look, cells)))


def _missing_words(cells: Cells) -> tuple[str, ...]:
    found = Counter(cell for of in cells.values() for cell in of if cell.lower() in MISSING_WORDS)
    return tuple(word for word, _ in found.most_common())


# --- the label ---


def _targets(cells: Cells, asked: str | None, path: Path) -> list[ColumnGuess]:
    """The column of the label, or one a class."""
    if asked is not None:
        if asked not in cells:
            raise ConfigError(one_of("--target", asked, cells))
        return [ColumnGuess(asked, "target", "asked for")]
    named = sorted((n for n in cells if plain_name(n) in TARGETS), key=lambda name: TARGETS.index(plain_name(name)))
    if named:
        return [ColumnGuess(named[0], "target", "by its name", sure=len(named) == 1)]
    if level := _finest_level(cells):
        return [ColumnGuess(level, "target", "the finest diagnosis that most rows have", sure=False)]
    if hot := _one_hot(cells):
        why = f"one of {len(hot)} columns with one 1 in every row"
        return [ColumnGuess(name, "target", why, sure=False) for name in hot]
    raise ConfigError(
        f"{path}: no column is called {first_of(TARGETS, 6)} or the like; name that of the label by --target. The "
        f"columns are: {first_of(list(cells), 60)}"
    )


def _finest_level(cells: Cells) -> str | None:
    """Of a diagnosis told from coarse to fine, the last column that most rows fill with more than one value."""
    levels = {int(found[1]): name for name in cells if (found := _LEVEL.match(plain_name(name)))}
    full = [
        name
        for _, name in sorted(levels.items())
        if sum(map(bool, cells[name])) >= _MOSTLY * len(cells[name]) and len({*cells[name]} - {""}) > 1
    ]
    return full[-1] if full else None


def _one_hot(cells: Cells) -> list[str]:
    """The longest run of columns of 0 and 1, three or more, that has one 1 in every row."""
    names, bits = list(cells), {"0": 0, "0.0": 0, "1": 1, "1.0": 1}
    columns = [[bits.get(cell) for cell in cells[name]] for name in names]
    best: list[str] = []
    for start in range(len(names)):
        ones = [0] * len(columns[start])
        for end in range(start, len(names)):
            if None in columns[end]:
                break
            ones = [sum_ + int(bit or 0) for sum_, bit in zip(ones, columns[end], strict=True)]
            if max(ones) > 1:
                break
            if min(ones) == 1 and end - start >= 2 and end - start >= len(best):
                best = names[start : end + 1]
    return best


def _labels(cells: Cells, columns: Sequence[str]) -> list[str | None]:
    """By row."""
    if len(columns) == 1:
        return [cell or None for cell in cells[columns[0]]]
    rows = zip(*(cells[name] for name in columns), strict=True)
    return [columns[[float(cell) for cell in row].index(1.0)] for row in rows]


# --- rows that are photos ---


def _with_kinds(look: FirstLook, cells: Cells, labels: Sequence[str | None]) -> FirstLook:
    """The same, with a table of one row for each photo of a case recognized where a column tells the kinds."""
    lesion, photos = look.column("lesion"), look.named("photo")
    if lesion is None or len(photos) != 1 or not all(cells[lesion]) or not _repeated(cells[lesion]):
        return look
    rows: dict[str, list[int]] = defaultdict(list)
    for place, cell in enumerate(cells[lesion]):
        rows[cell].append(place)
    told = [labels, *(cells[guess.column] for guess in look.named("field"))]
    for guess in look.named("field"):
        kinds = {value: _kind(value) for value in dict.fromkeys(cells[guess.column])}
        if "" in kinds.values() or len({*kinds.values()}) < len(kinds) or len(kinds) < 2:
            continue
        one_each = all(len({cells[guess.column][p] for p in of}) == len(of) for of in rows.values())
        others = [column for column in told if column is not cells[guess.column]]
        if one_each and all(len({column[p] for p in of}) == 1 for column in others for of in rows.values()):
            found = guess._replace(role="kind of photo", why=f"the rows of a {lesion} are its photos", sure=False)
            columns = tuple(found if of is guess else of for of in look.columns)
            columns = tuple(of._replace(role="case") if of.column == lesion else of for of in columns)
            return look._replace(columns=columns, photo_kinds=PhotoKinds(lesion, guess.column, kinds))
    return look


def _kind(value: str) -> str:
    """The kind of photo that a word names, "" for none."""
    if _SCOPE.search(value.lower()):
        return "dermoscopic"
    return "clinical" if _CLOSE.search(value.lower()) else ""


# --- what only the owner knows ---


def _questions(look: FirstLook, cells: Cells) -> list[str]:
    """What the columns leave open."""
    asked = [
        f"{first_of([guess.column for guess in of], 8)}: taken for {'an' if role == 'outcome' else 'a'} {role} ({why})"
        for (role, why), of in _unsure(look).items()
    ]
    if look.unlabelled:
        asked.append(f"{look.unlabelled} cases have no label; they are left out (unlabelled: drop)")
    if look.labels:
        told = ", ".join(f"{other!r} is {meant!r}" for other, meant in list(look.labels.items())[:4])
        asked.append(f"labels that are spelled differently are taken for one: {told}")
    asked += _about_patients(look, cells)
    lesion = look.column("lesion")
    if lesion is not None and look.named("photo") and (several := _repeated(cells[lesion])):
        asked.append(
            f"{lesion}: {several} lesions stand in several rows, each row a case of its own; if these are photos of "
            f"one case, set case: {lesion} and one_row_per_photo: true"
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


def _about_patients(look: FirstLook, cells: Cells) -> list[str]:
    patient, lesion = look.column("patient"), look.column("lesion")
    if patient is None and lesion is None:
        return ["no patient column was found: has nobody two cases? If someone has, name it under patient"]
    if patient is None:
        return [f"no patient column was found, so every {lesion} counts as a patient of its own"]
    asked = [f"{patient}: {odd}" for odd in odd_patients([cell.casefold() for cell in cells[patient]])]
    if look.blank_patients:
        asked.append(f"{patient}: {look.blank_patients} rows have no patient: each its own (blank_patients: own)")
    if look.twins:
        asked.append(f"{patient}: ids that differ in capital letters only are taken for one")
    return asked


def _unsure(look: FirstLook) -> dict[tuple[Role, str], list[ColumnGuess]]:
    """Columns that were guessed for one reason together."""
    unsure: dict[tuple[Role, str], list[ColumnGuess]] = defaultdict(list)
    for guess in look.columns:
        if not guess.sure and guess.role != "left out":
            unsure[guess.role, guess.why].append(guess)
    return unsure


def _repeated(ids: Sequence[str]) -> int:
    return sum(count > 1 for cell, count in Counter(ids).items() if cell)


def _lies_apart(code: str, values: Mapping[str, int]) -> bool:
    """Whether a number is far from all others of the column."""
    numbers = [cell for cell in values if cell not in (code, *MISSING_NUMBERS) and is_number(cell)]
    others = [read_quantity(cell).value for cell in numbers]
    if not others:
        return False
    low, high = min(others), max(others)
    return not low - (high - low) / 2 <= float(code) <= high + (high - low) / 2
