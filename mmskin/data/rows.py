"""The rows of a data set's file on their way into the table of cases: read whole, every fault told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.errors import DataError, first_of, one_of
from mmskin.schema import Field, FieldValue

Parse = Callable[[str], Any]


class Column(NamedTuple):
    """A column of a file and what its cells mean; `parse` raises DataError or ValueError for those it refuses."""

    name: str
    parse: Parse


def read_rows(
    path: Path, needed: Sequence[str], *, key: str, obtain: str, label: str = "", optional: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """Stripped text of the needed columns, one row a key, and remarks.

    Rows that repeat another row in these columns are merged and counted. The index is the row of the file, the header
    being row 1.

    Args:
        path: the file.
        needed: columns; any others are left out.
        key: the column whose values are to be unique; blank ones are left for `parse_columns` to refuse.
        obtain: how to get the data set, for the message that the file is not there.
        label: the column of the label, told if one key has two.
        optional: columns that are read where they are there.

    Raises:
        DataError: no such file, columns missing, two rows of one key that differ.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; {obtain}")
    raw = read_delimited(path)
    require_columns(raw.rows, needed, path=path)
    columns = [*needed, *(name for name in optional if name in raw.rows.columns)]
    rows = raw.rows[columns].apply(lambda column: column.str.strip())
    repeated = rows.duplicated() & (rows[key] != "")
    kept = rows[~repeated]
    faults = []
    for value, same in kept[kept[key].duplicated(keep=False) & (kept[key] != "")].groupby(key, sort=False):
        differing = [name for name in columns if same[name].nunique() > 1]
        told = f"different {', '.join(differing)}"
        if label in differing:
            told = f"labels {' and '.join(cell or 'blank' for cell in same[label].unique())}"
        faults.append(f"{value} in rows {' and '.join(map(str, same.index))} with {told}")
    if faults:
        told = f"{path}: {len(faults)} {key} stand twice: {first_of(faults)}; keep one row of each"
        raise DataError(told, faults=[f"{path.name}: {fault}" for fault in faults])
    count = int(repeated.sum())
    merged = [f"{path.name}: {count} rows repeat another row exactly: merged"] if count else []
    return kept, [*raw.remarks, *merged]


def parse_columns(rows: pd.DataFrame, columns: Mapping[str, Column], *, path: Path) -> dict[str, list[Any]]:
    """Values by name, one a row.

    Raises:
        DataError: every cell that was refused, with its row.
    """
    values: dict[str, list[Any]] = {name: [] for name in columns}
    faults: list[tuple[int, str]] = []
    for name, column in columns.items():
        for place, (row, cell) in enumerate(rows[column.name].items()):
            try:
                values[name].append(column.parse(cell))
            except (DataError, ValueError) as error:
                faults.append((place, f"row {row}: {error}"))
    if faults:
        in_order = [told for _, told in sorted(faults, key=lambda fault: fault[0])]
        told = f"{path}: {len(faults)} faults: {first_of(in_order)}"
        raise DataError(told, faults=[f"{path.name}, {fault}" for fault in in_order])
    return values


def id_column(name: str) -> Column:
    """An id, kept as text; blank is refused."""

    def parse(cell: str) -> str:
        if not cell:
            raise DataError(f"{name} is blank")
        return cell

    return Column(name, parse)


def photo_column(name: str) -> Column:
    """A photo's file name, with or without its ending, as its stem; one with folders is refused."""

    def parse(cell: str) -> str:
        if not cell:
            raise DataError(f"{name} is blank")
        if "/" in cell or "\\" in cell:
            raise DataError(f"{name}={cell!r} must be a file name without folders")
        return Path(cell).stem

    return Column(name, parse)


def label_column(name: str, classes: Sequence[str], *, said: Mapping[str, str | None] | None = None) -> Column:
    """A diagnosis: one of the classes, or what `said` makes of the cell; blank is None, not known."""
    known: dict[str, str | None] = {**{c: c for c in classes}, **(said or {})}

    def parse(cell: str) -> str | None:
        if cell and cell not in known:
            raise DataError(one_of(name, cell, known))
        return known.get(cell)

    return Column(name, parse)


def classes_found(labels: Sequence[str | None], *, path: Path) -> tuple[str, ...]:
    """The classes of a data set that does not declare them: the labels that occur, sorted.

    Raises:
        DataError: there are fewer than two.
    """
    found = sorted({label for label in labels if label is not None})
    if len(found) < 2:
        raise DataError(f"{path}: two labels or more are needed, however it has: {', '.join(found) or 'none'}")
    return tuple(found)


def field_column(field: Field, *, name: str = "", said: Mapping[str, FieldValue] | None = None) -> Column:
    """A declared field, read from the column of its name or another; `said` translates cells that differ from it."""
    translated = said or {}

    def parse(cell: str) -> FieldValue:
        return field.parse(translated.get(cell, cell))

    return Column(name or field.name, parse)


def kept_column(name: str) -> Column:
    """A column that is no input, kept as written; blank is None."""
    return Column(name, lambda cell: cell or None)


def one_hot_labels(rows: pd.DataFrame, classes: Sequence[str], *, path: Path) -> list[str]:
    """The label of every row from columns of 0 and 1, however written (1, 1.0, 1e0).

    Raises:
        DataError: a cell that is neither, a row with none or several ones.
    """
    faults = []
    labels = []
    for row, *cells in rows[list(classes)].itertuples():
        try:
            numbers = [float(cell) for cell in cells]
        except ValueError:
            numbers = []
        if len(numbers) != len(classes) or set(numbers) - {0.0, 1.0} or sum(numbers) != 1:
            faults.append(f"row {row}: {' '.join(map(str, cells))}")
            continue
        labels.append(classes[numbers.index(1.0)])
    if faults:
        told = f"rows must have one 1 and else 0 under {', '.join(classes)}"
        raise DataError(
            f"{path}: {len(faults)} {told}: {first_of(faults)}",
            faults=[f"{path.name}: {told}, however {fault}" for fault in faults],
        )
    return labels
