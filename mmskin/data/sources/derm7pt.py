"""Derm7pt: its case numbers, and the index files of its split."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.table import Cases
from mmskin.data.tables.declaration import read_declaration
from mmskin.data.tables.engine import OFFICIAL_SPLIT, cases_of, parse_rows
from mmskin.data.tables.rows import Rows, read_rows
from mmskin.errors import DataError, first_of

_PARTS = {"train": "train_indexes.csv", "val": "valid_indexes.csv", "test": "test_indexes.csv"}


class Derm7pt:
    """Derm7pt from the folder that holds its release.

    Args:
        classes: the "five" published classes, or "all" 20 diagnoses.
    """

    def __init__(self, *, classes: Literal["five", "all"] = "five") -> None:
        self.declaration = read_declaration("derm7pt", classes, option="classes")

    def load(self, root: str | Path) -> Cases:
        """Read `meta/meta.csv` and the index files of the release, and look for the photos.

        Raises:
            DataError: files or columns missing, values not admissible, a case_num twice, a photo's path that leads out
                of `images`, two files for one photo; index files that don't fit the table.
        """
        rows = read_rows(self.declaration, root, made=["case_num"])
        cells, case = rows.cells, self.declaration.case
        if case not in cells:
            cells[case] = [str(number) for number in range(1, len(cells) + 1)]
        rows.folder = rows.findings.path.parents[1]  # of the release, where it has another around it
        _read_official_split(rows)
        return cases_of(self.declaration, rows, parse_rows(self.declaration, rows))


def _read_official_split(rows: Rows) -> None:
    """The part of every row (train, val, test) from the index files, if they are there.

    Raises:
        DataError: an index that is no row, in two files, or in none.
    """
    folder, count = rows.findings.path.parent, len(rows.cells)
    absent = [name for name in _PARTS.values() if not (folder / name).is_file()]
    if absent:
        rows.findings.remarks.append(f"no official split: {', '.join(absent)} not in {folder}")
        return
    if list(rows.cells.index) != list(range(2, count + 2)):
        raise DataError(
            f"{folder / 'meta.csv'} has blank rows, and the index files count rows; use it as it was released"
        )
    part_of: dict[int, str] = {}
    faults = []
    for part, name in _PARTS.items():
        indexes = read_delimited(folder / name, one_column=True).rows
        require_columns(indexes, ["indexes"], path=folder / name)
        for row, cell in indexes["indexes"].str.strip().items():
            number = int(cell) if cell.isdecimal() else -1
            if not 0 <= number < count:
                faults.append(f"{name} row {row}: {cell!r} is no row from 0 to {count - 1}")
            elif number in part_of:
                faults.append(f"{name} row {row}: {number} stands in {_PARTS[part_of[number]]} too")
            else:
                part_of[number] = part
    left = [number for number in range(count) if number not in part_of]
    if left and not faults:
        faults.append(f"{len(left)} rows of meta.csv are in none: {first_of(left)}")
    if faults:
        raise DataError(f"{folder}: the index files don't fit meta.csv: {first_of(faults)}; use those of its release")
    rows.cells[OFFICIAL_SPLIT] = [part_of[number] for number in range(count)]
