"""Twenty invented cases in the folder layout of Derm7pt, with its column names and its kinds of dirt.

No value is taken from a real patient. Run as a program to look at the result: `python tests/data/make_derm7pt.py DIR`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

DIAGNOSES = (
    *("basal cell carcinoma", "blue nevus", "clark nevus", "combined nevus", "congenital nevus", "dermal nevus"),
    *("dermatofibroma", "lentigo", "melanoma", "melanoma (in situ)", "melanoma (less than 0.76 mm)"),
    *("melanoma (0.76 to 1.5 mm)", "melanoma (more than 1.5 mm)", "melanoma metastasis", "melanosis", "miscellaneous"),
    *("recurrent nevus", "reed or spitz nevus", "seborrheic keratosis", "vascular lesion"),
)
SEVEN_POINTS = (
    *("pigment_network", "streaks", "pigmentation", "regression_structures"),
    *("dots_and_globules", "blue_whitish_veil", "vascular_structures"),
)
NEEDED = (
    *("diagnosis", "seven_point_score", *SEVEN_POINTS, "level_of_diagnostic_difficulty"),
    *("elevation", "location", "sex", "management", "clinic", "derm"),
)
COLUMNS = ("case_num", *NEEDED, "case_id", "notes")
MAY_BE_ABSENT = ("case_num",)  # for the contract tests: of the columns declared
LOCATIONS = (
    "back",
    "lower limbs",
    "abdomen",
    "upper limbs",
    "chest",
    "head neck",
    "acral",
    "buttocks",
    "genital areas",
)
PARTS = {"train_indexes.csv": (0, 8), "valid_indexes.csv": (8, 12), "test_indexes.csv": (12, 20)}

Row = dict[str, str]


def make_rows(*, cases: int = 20, seed: int = 0) -> list[Row]:
    """Case i has diagnosis i mod 20. Folders and files of photos are written in capitals or not, as it comes."""
    rng = np.random.default_rng(seed)
    rows = []
    for case in range(cases):
        folder = ("NQL", "Fql")[case % 2]
        points = {name: str(rng.choice(["absent", "regular", "irregular"])) for name in SEVEN_POINTS}
        rows.append(
            {
                "case_num": str(case + 1),
                "diagnosis": DIAGNOSES[case % len(DIAGNOSES)],
                "seven_point_score": str(rng.integers(0, 11)),
                "level_of_diagnostic_difficulty": str(rng.choice(["low", "medium", "high"])),
                "elevation": str(rng.choice(["flat", "palpable", "nodular"])),
                "location": LOCATIONS[case % len(LOCATIONS)],
                "sex": str(rng.choice(["female", "male"])),
                "management": str(rng.choice(["excision", "clinical follow up", "no further examination"])),
                "clinic": f"{folder}/{folder}{2 * case:03d}.JPG",
                "derm": f"{folder}/{folder.capitalize()}{2 * case + 1:03d}.jpg",
                "case_id": "",
                "notes": "Invented: looks like its diagnosis, which is\nnamed here." if case % 6 == 0 else "",
            }
            | points
        )
    return rows


def write_table(root: Path, rows: Sequence[Row], *, columns: Sequence[str] = COLUMNS, dirty: bool = False) -> None:
    """meta/meta.csv; dirty: CRLF and the unnamed index column of a saved data frame."""
    (root / "meta").mkdir(parents=True, exist_ok=True)
    with (root / "meta" / "meta.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if dirty else "\n")
        writer.writerow(["", *columns] if dirty else columns)
        for number, row in enumerate(rows):
            cells = [row[name] for name in columns]
            writer.writerow([str(number), *cells] if dirty else cells)


def write_indexes(root: Path, *, dirty: bool = False) -> None:
    """The index files of 20 cases: rows of meta.csv from 0, the last one first."""
    end = "\r\n" if dirty else "\n"
    for name, (start, stop) in PARTS.items():
        lines = ["indexes", *(str(index) for index in reversed(range(start, stop)))]
        numbered = [
            f"{',' if dirty else ''}{lines[0]}",
            *(f"{f'{n},' if dirty else ''}{x}" for n, x in enumerate(lines[1:])),
        ]
        (root / "meta" / name).write_bytes((end.join(numbered) + end).encode())


def write_photos(root: Path, rows: Sequence[Row], *, flat: bool = False, side: int = 16) -> None:
    """images/<folder>/<name>.jpg; every third photo spelled otherwise than in the table. Flat: *.png in one folder."""
    rng = np.random.default_rng(0)
    for number, row in enumerate(rows):
        for k, column in enumerate(("clinic", "derm")):
            path = Path(row[column])
            if (2 * number + k) % 3 == 2:
                path = Path(row[column].swapcase())
            if flat:
                path = Path(path.with_suffix(".png").name)
            (root / "images" / path).parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, size=(side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "images" / path)


def make_derm7pt(root: Path, *, flat: bool = False, dirty: bool = False, side: int = 16) -> list[Row]:
    """The whole data set, as release_v0 under a folder; returns its rows."""
    release = root / "release_v0"
    rows = make_rows()
    write_table(release, rows, dirty=dirty)
    write_indexes(release, dirty=dirty)
    write_photos(release, rows, flat=flat, side=side)
    return rows


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_derm7pt(target, dirty=True)
