"""A small table of somebody's own, as tests write and read it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmskin.data.sources.csv_table import CsvTable
from mmskin.data.table import Cases

Row = Mapping[str, str]
BASE = [
    {"case": "c1", "who": "p1", "photo": "a.png", "dx": "BCC", "age": "62", "itch": "yes", "site": "Arm", "story": ""},
    {"case": "c2", "who": "p1", "photo": "b.png", "dx": "NEV", "age": "NA", "itch": "", "site": "leg", "story": "new"},
    {"case": "c3", "who": "p2", "photo": "", "dx": "NEV", "age": "40.5", "itch": "unk", "site": "arm", "story": "old"},
    {"case": "c4", "who": "p3", "photo": "d.png", "dx": "BCC", "age": "9", "itch": "no", "site": "leg", "story": ""},
]


def write(folder: Path, rows: Sequence[Row] = BASE, *, photos: Sequence[str] = ("a.png", "b.png", "d.png")) -> Path:
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for photo in photos:
        (folder / photo).parent.mkdir(parents=True, exist_ok=True)
        (folder / photo).touch()
    return folder


def changed(row: int, **cells: str) -> list[dict[str, str]]:
    """The base table with some cells of a row, the header being 1, replaced."""
    rows = [dict(r) for r in BASE]
    rows[row - 2] |= cells
    return rows


def load(folder: Path, **options: Any) -> Cases:
    given = {"case": "case", "patient": "who", "images": "photo", "target": "dx", "text": "story"}
    return CsvTable(**{**given, **options}).load(folder)


def remark(cases: Cases, start: str) -> str:
    return next(remark for remark in cases.remarks if start in remark)
