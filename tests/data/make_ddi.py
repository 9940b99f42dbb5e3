"""Two dozen invented photos in the folder layout of DDI, with its column names and its kinds of dirt.

No value is taken from a real photo. Run as a program to look at the result: `python tests/data/make_ddi.py FOLDER`.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

COLUMNS = ("DDI_ID", "DDI_file", "skin_tone", "malignant", "disease")
DISEASES = {
    "invented-mole": False,
    "invented-spot-in-situ": True,
    "invented-wart": False,
    "invented-crust": True,
}
TONES = ("12", "34", "56")

Row = dict[str, str]


def make_rows(*, photos: int = 24) -> list[Row]:
    """Photo i has disease i mod 4 and skin tone i mod 3."""
    rows = []
    for number in range(photos):
        disease = list(DISEASES)[number % len(DISEASES)]
        row = {
            "DDI_ID": str(900_001 + number),
            "DDI_file": f"{900_001 + number}.png",
            "skin_tone": TONES[number % 3],
            "malignant": str(DISEASES[disease]),
            "disease": disease,
        }
        rows.append(row)
    return rows


def write_table(root: Path, rows: list[Row], *, dirty: bool = False) -> None:
    """ddi_metadata.csv with its unnamed index; dirty: the CRLF and capitals of a spreadsheet."""
    with (root / "ddi_metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if dirty else "\n")
        writer.writerow(["", *COLUMNS])
        for number, row in enumerate(rows):
            shown = row | {"malignant": row["malignant"].upper()} if dirty else row
            writer.writerow([str(number), *(shown[name] for name in COLUMNS)])


def write_photos(root: Path, rows: list[Row], *, side: int = 16) -> None:
    """<DDI_file> beside the table, as published."""
    rng = np.random.default_rng(0)
    for row in rows:
        pixels = rng.integers(0, 256, size=(side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / row["DDI_file"])


def make_ddi(root: Path, *, dirty: bool = False) -> list[Row]:
    """The whole data set under a folder; returns its rows."""
    rows = make_rows()
    write_table(root, rows, dirty=dirty)
    write_photos(root, rows)
    return rows


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_ddi(target, dirty=True)
