"""A dozen invented lesions in the folder layout of HAM10000, with its column names and its kinds of dirt.

No value is taken from a real patient. Run as a program to look at the result: `python tests/data/make_ham10000.py DIR`.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

COLUMNS = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
CLASSES = ("nv", "mel", "bkl", "bcc", "akiec", "vasc", "df")
CONFIRMED = {"nv": "follow_up", "mel": "histo", "bkl": "confocal", "bcc": "histo", "akiec": "histo"}

Row = dict[str, str]


def make_rows(*, lesions: int = 14, photos: int = 2, seed: int = 0) -> list[Row]:
    """Lesion i has class i mod 7; every fifth age is blank, every fifth sex and site the word unknown."""
    rng = np.random.default_rng(seed)
    rows = []
    for lesion in range(lesions):
        dx = CLASSES[lesion % len(CLASSES)]
        vague = lesion % 5 == 4
        shared = {
            "lesion_id": f"HAM_{lesion:07d}",
            "dx": dx,
            "dx_type": CONFIRMED.get(dx, "consensus"),
            "age": "" if vague else f"{5 * rng.integers(0, 18)}.0",
            "sex": "unknown" if vague else str(rng.choice(["male", "female"])),
            "localization": "unknown" if vague else str(rng.choice(["back", "lower extremity", "acral", "face"])),
        }
        rows += [shared | {"image_id": f"ISIC_{photos * lesion + k:07d}"} for k in range(photos)]
    return rows


def write_table(root: Path, rows: list[Row], *, dirty: bool = False) -> None:
    """HAM10000_metadata.csv; dirty: CRLF and the unnamed index column of a saved data frame."""
    with (root / "HAM10000_metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if dirty else "\n")
        writer.writerow(["", *COLUMNS] if dirty else COLUMNS)
        for number, row in enumerate(rows):
            cells = [row[name] for name in COLUMNS]
            writer.writerow([str(number), *cells] if dirty else cells)


def write_photos(root: Path, rows: list[Row], *, flat: bool = False, side: int = 16) -> None:
    """HAM10000_images_part_{1,2}/*.jpg as published, or *.png in one folder."""
    rng = np.random.default_rng(0)
    for number, row in enumerate(rows):
        folder = root / "images" if flat else root / f"HAM10000_images_part_{number % 2 + 1}"
        folder.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, size=(side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row['image_id']}.{'png' if flat else 'jpg'}")


def make_ham10000(root: Path, *, flat: bool = False, dirty: bool = False) -> list[Row]:
    """The whole data set under a folder; returns its rows."""
    rows = make_rows()
    write_table(root, rows, dirty=dirty)
    write_photos(root, rows, flat=flat)
    return rows


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_ham10000(target, dirty=True)
