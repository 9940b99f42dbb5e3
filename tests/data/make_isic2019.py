"""Sixteen invented lesions in the folder layout of ISIC 2019, with its column names and its kinds of dirt.

No value is taken from a real patient. Run as a program to look at the result: `python tests/data/make_isic2019.py DIR`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLUMNS = ("image", "age_approx", "anatom_site_general", "lesion_id", "sex")
CLASSES = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
ARCHIVES = ("HAM_", "BCN_", "MSK4_", "")
SITES = ("anterior torso", "lateral torso", "head/neck", "palms/soles", "oral/genital")

Row = dict[str, str]


def make_rows(*, lesions: int = 16, photos: int = 2, seed: int = 0) -> list[Row]:
    """Lesion i has class i mod 8 and archive i mod 4: the fourth names no lesion, and its photos end in _downsampled.

    Every fifth age, sex and site are blank.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for lesion in range(lesions):
        archive = ARCHIVES[lesion % len(ARCHIVES)]
        vague = lesion % 5 == 4
        shared = {
            "lesion_id": f"{archive}{lesion:07d}" if archive else "",
            "label": CLASSES[lesion % (len(CLASSES) - 1)],
            "age_approx": "" if vague else f"{5 * rng.integers(0, 18)}.0",
            "sex": "" if vague else str(rng.choice(["male", "female"])),
            "anatom_site_general": "" if vague else str(rng.choice(SITES)),
        }
        ending = "" if archive else "_downsampled"
        rows += [shared | {"image": f"ISIC_{photos * lesion + k:07d}{ending}"} for k in range(photos)]
    return rows


def write_metadata(root: Path, rows: Sequence[Row], *, part: str = "Training", dirty: bool = False) -> None:
    """ISIC_2019_<part>_Metadata.csv, of which the test part has no lesion_id."""
    columns = [name for name in COLUMNS if part == "Training" or name != "lesion_id"]
    cells = [[row[name].removesuffix(".0") if dirty else row[name] for name in columns] for row in rows]
    _write(root / f"ISIC_2019_{part}_Metadata.csv", columns, cells, dirty=dirty)


def write_truth(root: Path, rows: Sequence[Row], *, part: str = "Training", dirty: bool = False) -> None:
    """ISIC_2019_<part>_GroundTruth.csv in reverse order: a join by place would go wrong."""
    one, zero = ("1", "0") if dirty else ("1.0", "0.0")
    cells = [[row["image"], *(one if name == row["label"] else zero for name in CLASSES)] for row in reversed(rows)]
    _write(root / f"ISIC_2019_{part}_GroundTruth.csv", ["image", *CLASSES], cells, dirty=dirty)


def _write(path: Path, header: list[str], rows: list[list[str]], *, dirty: bool) -> None:
    """dirty: CRLF and the unnamed index column of a saved data frame."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if dirty else "\n")
        writer.writerow(["", *header] if dirty else header)
        writer.writerows([[str(number), *row] if dirty else row for number, row in enumerate(rows)])


def write_photos(
    root: Path, rows: Sequence[Row], *, part: str = "Training", flat: bool = False, side: int = 16
) -> None:
    """ISIC_2019_<part>_Input/*.jpg as published, or *.png beside the tables."""
    rng = np.random.default_rng(0)
    folder = root if flat else root / f"ISIC_2019_{part}_Input"
    folder.mkdir(exist_ok=True)
    for row in rows:
        pixels = rng.integers(0, 256, size=(side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row['image']}.{'png' if flat else 'jpg'}")


def make_isic2019(root: Path, *, part: str = "Training", flat: bool = False, dirty: bool = False) -> list[Row]:
    """One part of the data set under a folder; returns its rows."""
    rows = make_rows()
    write_metadata(root, rows, part=part, dirty=dirty)
    write_truth(root, rows, part=part, dirty=dirty)
    write_photos(root, rows, part=part, flat=flat)
    return rows


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_isic2019(target, dirty=True)
