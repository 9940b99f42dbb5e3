"""A dozen invented patients in the folder layout of ISIC 2020 (SIIM), with its column names and its kinds of dirt.

No value is taken from a real patient. Run as a program to look at the result: `python tests/data/make_isic2020.py DIR`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLUMNS = (
    *("image_name", "patient_id", "sex", "age_approx", "anatom_site_general_challenge"),
    *("diagnosis", "benign_malignant", "target"),
)
TABLE = "ISIC_2020_Training_GroundTruth.csv"
DUPLICATES = "ISIC_2020_Training_Duplicates.csv"
SITES = ("torso", "lower extremity", "upper extremity", "head/neck", "palms/soles", "oral/genital")

Row = dict[str, str]


def make_rows(*, patients: int = 12, photos: int = 3, seed: int = 0) -> list[Row]:
    """The first photo of every third patient is a melanoma, the second of all a nevus, all others unknown and benign.

    Every fifth patient's age and sex are blank, and the site of the second photo.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        vague = patient % 5 == 4
        age, sex = f"{5 * rng.integers(2, 18)}.0", str(rng.choice(["male", "female"]))
        for k in range(photos):
            diagnosis = "melanoma" if k == 0 and patient % 3 == 0 else "nevus" if k == 1 else "unknown"
            rows.append(
                {
                    "image_name": f"ISIC_{photos * patient + k:07d}",
                    "patient_id": f"IP_{patient:07d}",
                    "lesion_id": f"IL_{photos * patient + k:07d}",
                    "sex": "" if vague else sex,
                    "age_approx": "" if vague else age,
                    "anatom_site_general_challenge": "" if vague and k == 1 else str(rng.choice(SITES)),
                    "diagnosis": diagnosis,
                    "benign_malignant": "malignant" if diagnosis == "melanoma" else "benign",
                    "target": "1" if diagnosis == "melanoma" else "0",
                }
            )
    return rows


def write_table(
    root: Path, rows: Sequence[Row], *, name: str = TABLE, columns: Sequence[str] = COLUMNS, dirty: bool = False
) -> None:
    """The table; dirty: CRLF, the unnamed index column of a saved data frame, 45 for 45.0 and 1.0 for 1."""
    with (root / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if dirty else "\n")
        writer.writerow(["", *columns] if dirty else columns)
        for number, row in enumerate(rows):
            if dirty:
                row = row | {"age_approx": row["age_approx"].removesuffix(".0"), "target": f"{row['target']}.0"}
            cells = [row[column] for column in columns]
            writer.writerow([str(number), *cells] if dirty else cells)


def write_duplicates(root: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """ISIC_2020_Training_Duplicates.csv."""
    lines = [f"{one},{other}" for one, other in (("image_name_1", "image_name_2"), *pairs)]
    (root / DUPLICATES).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_photos(root: Path, rows: Sequence[Row], *, flat: bool = False, side: int = 16) -> None:
    """train/*.jpg as published, or *.png beside the table."""
    rng = np.random.default_rng(0)
    folder = root if flat else root / "train"
    folder.mkdir(exist_ok=True)
    for row in rows:
        pixels = rng.integers(0, 256, size=(side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row['image_name']}.{'png' if flat else 'jpg'}")


def make_isic2020(root: Path, *, flat: bool = False, dirty: bool = False) -> list[Row]:
    """The whole data set under a folder, with one pair of duplicates in two patients; returns its rows."""
    rows = make_rows()
    write_table(root, rows, dirty=dirty)
    write_duplicates(root, [("ISIC_0000002", "ISIC_0000005")])
    write_photos(root, rows, flat=flat)
    return rows


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_isic2020(target, dirty=True)
