"""A dozen invented lesions in the folder layout of MILK10k, with its column names and its kinds of dirt.

No value is taken from a real patient. Run as a program to look at the result: `python tests/data/make_milk10k.py DIR`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC")
MONET = (
    "MONET_ulceration_crust",
    "MONET_hair",
    "MONET_vasculature_vessels",
    "MONET_erythema",
    "MONET_pigmented",
    "MONET_gel_water_drop_fluid_dermoscopy_liquid",
    "MONET_skin_markings_pen_ink_purple_pen",
)
NEEDED = (
    *("lesion_id", "image_type", "isic_id", "image_manipulation"),
    *("age_approx", "sex", "skin_tone_class", "site"),
)
COLUMNS = (*NEEDED[:3], "attribution", "copyright_license", *NEEDED[3:], *MONET)
SUPPLEMENT = ("isic_id", "diagnosis_full", "diagnosis_confirm_type", "invasion_thickness_interval")
SITES = ("trunk", "head_neck_face", "lower_extremity", "upper_extremity", "hand", "foot", "genital")
METADATA_CSV = "MILK10k_Training_Metadata.csv"
LABELS_CSV = "MILK10k_Training_GroundTruth.csv"
SUPPLEMENT_CSV = "MILK10k_Training_Supplement.csv"

Row = dict[str, str]


def make_rows(*, lesions: int = 13, seed: int = 0) -> list[Row]:
    """Rows of the metadata, two a lesion; of every second lesion the dermoscopic one comes first.

    Every fifth lesion has neither age nor site.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for lesion in range(lesions):
        vague = lesion % 5 == 4
        shared = {
            "lesion_id": f"IL_{9000 + lesion:07d}",
            "attribution": "MILK study team",
            "copyright_license": "CC-BY-NC",
            "image_manipulation": "altered" if lesion % 7 == 3 else "instrument only",
            "age_approx": "" if vague else f"{5 * rng.integers(1, 18)}.0",
            "sex": str(rng.choice(["male", "female"])),
            "skin_tone_class": str(rng.integers(0, 6)),
            "site": "" if vague else SITES[lesion % len(SITES)],
        }
        pair = []
        for k, image_type in enumerate(("clinical: close-up", "dermoscopic")):
            seen = {name: f"{rng.random():.4f}" for name in MONET}
            pair.append(shared | {"image_type": image_type, "isic_id": f"ISIC_{9000 + 2 * lesion + k:07d}"} | seen)
        rows += pair[::-1] if lesion % 2 else pair
    return rows


def make_labels(lesions: int = 13) -> list[Row]:
    """Lesion i has class i mod 11, one-hot."""
    return [
        {"lesion_id": f"IL_{9000 + lesion:07d}"}
        | {name: "1.0" if code == lesion % len(CLASSES) else "0.0" for code, name in enumerate(CLASSES)}
        for lesion in range(lesions)
    ]


def make_supplement(rows: Sequence[Row]) -> list[Row]:
    """A name with a comma, to be quoted, for every photo; a thickness for every fourth."""
    return [
        {
            "isic_id": row["isic_id"],
            "diagnosis_full": f"Invented tumour, number {int(row['lesion_id'][3:])}",
            "diagnosis_confirm_type": "histopathology" if number % 4 else "single contributor clinical assessment",
            "invasion_thickness_interval": "" if number % 4 else "<0.8",
        }
        for number, row in enumerate(rows)
    ]


def write_table(path: Path, rows: Sequence[Row], columns: Sequence[str], *, dirty: bool = False) -> None:
    """Dirty: CRLF and the unnamed index column of a saved data frame."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if dirty else "\n")
        writer.writerow(["", *columns] if dirty else columns)
        for number, row in enumerate(rows):
            cells = [row[name] for name in columns]
            writer.writerow([str(number), *cells] if dirty else cells)


def write_photos(root: Path, rows: Sequence[Row], *, flat: bool = False, side: int = 16) -> None:
    """MILK10k_Training_Input/<lesion_id>/<isic_id>.jpg as published, or *.png in one folder."""
    rng = np.random.default_rng(0)
    for row in rows:
        folder = root / "images" if flat else root / "MILK10k_Training_Input" / row["lesion_id"]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, size=(side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row['isic_id']}.{'png' if flat else 'jpg'}")


def make_milk10k(
    root: Path, *, lesions: int = 13, flat: bool = False, dirty: bool = False, side: int = 16
) -> list[Row]:
    """The whole data set under a folder; returns the rows of its metadata."""
    rows = make_rows(lesions=lesions)
    write_table(root / METADATA_CSV, rows, COLUMNS, dirty=dirty)
    write_table(root / LABELS_CSV, make_labels(lesions), ("lesion_id", *CLASSES), dirty=dirty)
    write_table(root / SUPPLEMENT_CSV, make_supplement(rows), SUPPLEMENT, dirty=dirty)
    write_photos(root, rows, flat=flat, side=side)
    return rows


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_milk10k(target, dirty=True)
