"""Three dozen invented photos in the folder layout of Fitzpatrick17k, with its column names and its kinds of dirt.

No value is taken from a real photo. Run as a program to look at the result:
`python tests/data/make_fitzpatrick17k.py FOLDER`.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from pathlib import Path

import numpy as np
from PIL import Image

COLUMNS = (
    *("md5hash", "fitzpatrick_scale", "fitzpatrick_centaur", "label", "nine_partition_label"),
    *("three_partition_label", "qc", "url", "url_alphanum"),
)
CONDITIONS = {
    "invented wart": ("benign epidermal", "benign"),
    "invented mole": ("benign melanocyte", "benign"),
    "invented knot": ("benign dermal", "benign"),
    "invented rash": ("inflammatory", "non-neoplastic"),
    "invented itch": ("inflammatory", "non-neoplastic"),
    "invented scales": ("genodermatoses", "non-neoplastic"),
    "invented crust": ("malignant epidermal", "malignant"),
    "invented spot": ("malignant melanoma", "malignant"),
    "invented lump": ("malignant dermal", "malignant"),
    "invented patch": ("malignant cutaneous lymphoma", "malignant"),
}
SCALES = ("1", "2", "3", "4", "5", "6", "-1")

Row = dict[str, str]


def make_rows(*, photos: int = 40) -> list[Row]:
    """Photo i has condition i mod 10 and scale i mod 7; every ninth has a verdict in qc, every eleventh no address."""
    rows = []
    for number in range(photos):
        label = list(CONDITIONS)[number % len(CONDITIONS)]
        nine, three = CONDITIONS[label]
        address = "" if number % 11 == 10 else f"https://atlas.invalid/{label.replace(' ', '-')}/{number}.jpg"
        row = {
            "md5hash": hashlib.md5(f"invented {number}".encode(), usedforsecurity=False).hexdigest(),
            "fitzpatrick_scale": SCALES[number % 7],
            "fitzpatrick_centaur": SCALES[number % 5],
            "label": label,
            "nine_partition_label": nine,
            "three_partition_label": three,
            "qc": "3 Wrongly labelled" if number % 9 == 8 else "",
            "url": address,
            "url_alphanum": "".join(filter(str.isalnum, address)),
        }
        rows.append(row)
    return rows


def write_table(root: Path, rows: list[Row], *, dirty: bool = False) -> None:
    """fitzpatrick17k.csv; dirty: CRLF and the unnamed index column of a saved data frame."""
    with (root / "fitzpatrick17k.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if dirty else "\n")
        writer.writerow(["", *COLUMNS] if dirty else COLUMNS)
        for number, row in enumerate(rows):
            cells = [row[name] for name in COLUMNS]
            writer.writerow([str(number), *cells] if dirty else cells)


def write_photos(root: Path, rows: list[Row], *, side: int = 16) -> None:
    """images/<md5hash>.jpg."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(exist_ok=True)
    for row in rows:
        pixels = rng.integers(0, 256, size=(side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"{row['md5hash']}.jpg")


def make_fitzpatrick17k(root: Path, *, dirty: bool = False) -> list[Row]:
    """The whole data set under a folder; returns its rows."""
    rows = make_rows()
    write_table(root, rows, dirty=dirty)
    write_photos(root, rows)
    return rows


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_fitzpatrick17k(target, dirty=True)
