"""A dozen invented patients in the folder layout of PAD-UFES-20, with its column names and its kinds of dirt.

No value is taken from a real patient. Run as a program to look at the result:
`python tests/data/make_pad_ufes_20.py FOLDER`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLUMNS = (
    *("patient_id", "lesion_id", "smoke", "drink", "background_father", "background_mother", "age", "pesticide"),
    *("gender", "skin_cancer_history", "cancer_history", "has_piped_water", "has_sewage_system", "fitspatrick"),
    *("region", "diameter_1", "diameter_2", "diagnostic", "itch", "grew", "hurt", "changed", "bleed", "elevation"),
    *("img_id", "biopsed"),
)
SYMPTOMS = ("itch", "grew", "hurt", "changed", "bleed", "elevation")
HABITS = (
    "smoke",
    "drink",
    "pesticide",
    "skin_cancer_history",
    "cancer_history",
    "has_piped_water",
    "has_sewage_system",
)
BLOCK = (*HABITS, "gender", "background_father", "background_mother", "fitspatrick", "diameter_1", "diameter_2")
CLASSES = ("BCC", "ACK", "NEV", "SEK", "SCC", "MEL")
BENIGN = ("ACK", "NEV", "SEK")

Row = dict[str, str]


def make_rows(*, patients: int = 12, photos: int = 2, seed: int = 0) -> list[Row]:
    """Rows as in the file, `photos` per patient, each of its own lesion; every second benign patient lacks the block.

    Patient i has class i mod 6. Lesion ids repeat over patients, as in the real file.
    """
    rng = np.random.default_rng(seed)

    def pick(*choices: str) -> str:
        return str(rng.choice(choices))

    rows: list[Row] = []
    for patient in range(1, patients + 1):
        diagnostic = CLASSES[patient % len(CLASSES)]
        blank = diagnostic in BENIGN and (patient // len(CLASSES)) % 2 == 0
        person = {
            "patient_id": f"PAT_{patient}",
            "age": str(rng.integers(18, 90)),
            "gender": pick("FEMALE", "MALE"),
            "fitspatrick": pick("1.0", "2.0", "3.0", "4.0"),
            "background_father": pick("POMERANIA", "BRASIL", "BRAZIL", "UNK", "CZECH"),
            "background_mother": pick("GERMANY", "ITALY", "UNK"),
            **{name: pick("True", "False") for name in HABITS},
        }
        for photo in range(photos):
            lesion = (patient * photos + photo) // 2
            row = person | {
                "lesion_id": str(lesion),
                "region": pick("FACE", "FOREARM", "NOSE"),
                "diameter_1": f"{rng.integers(6, 20)}.0",
                "diameter_2": f"{rng.integers(1, 6)}.0",
                "diagnostic": diagnostic,
                **{name: pick("True", "False", "UNK") for name in SYMPTOMS},
                "img_id": f"PAT_{patient}_{lesion}_{100 * photo + patient}.png",
                "biopsed": "False" if diagnostic in BENIGN else "True",
            }
            rows.append(row | dict.fromkeys(BLOCK, "") if blank else row)
    return rows


def write_table(root: Path, rows: Sequence[Row], *, dirty: bool = False) -> None:
    """metadata.csv; dirty: byte order mark, CRLF, the unnamed index column of a saved data frame."""
    with (root / "metadata.csv").open("w", encoding="utf-8-sig" if dirty else "utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if dirty else "\n")
        writer.writerow(["", *COLUMNS] if dirty else COLUMNS)
        for number, row in enumerate(rows):
            cells = [row[name] for name in COLUMNS]
            writer.writerow([str(number), *cells] if dirty else cells)


def write_photos(root: Path, rows: Sequence[Row], *, flat: bool = False, seed: int = 0, side: int = 16) -> None:
    """One noise picture per row: images/imgs_part_{1,2,3}/*.png as published, or images/*.jpg."""
    rng = np.random.default_rng(seed)
    for number, row in enumerate(rows):
        folder = root / "images" if flat else root / "images" / f"imgs_part_{number % 3 + 1}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, size=(side, side, 3), dtype=np.uint8)
        name = Path(row["img_id"]).with_suffix(".jpg").name if flat else row["img_id"]
        Image.fromarray(pixels).save(folder / name)


def make_pad_ufes_20(
    root: Path, *, patients: int = 12, photos: int = 2, flat: bool = False, dirty: bool = False
) -> list[Row]:
    """The whole data set under a folder; returns its rows."""
    rows = make_rows(patients=patients, photos=photos)
    write_table(root, rows, dirty=dirty)
    write_photos(root, rows, flat=flat)
    return rows


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_pad_ufes_20(target, dirty=True)
