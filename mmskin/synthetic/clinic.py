"""A folder like a clinic's: a table, photos, lesion masks, and beside them the truth from which all was drawn.

- cases.csv: what a clinic has, that is ids, photo, diagnosis, the patient's fields and words
- photos/*.jpg, masks/*.png: masks are 255 inside the lesion
- latents.csv: the truth of every case, never an input; it draws twins and scores oracles
- truth.json: the tables and what was planted; written last, so a folder without it is not finished
"""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from mmskin.errors import DataError, one_of
from mmskin.synthetic.case import VALUES, SyntheticCase, Told
from mmskin.synthetic.history import fields_of, text_of
from mmskin.synthetic.latents import ClinicDesign, default_design
from mmskin.synthetic.photo import check_area, check_size, render
from mmskin.synthetic.population import Missing, Shortcut, draw_cases
from mmskin.synthetic.shape import AREA, Area

TABLE, LATENTS, TRUTH = "cases.csv", "latents.csv", "truth.json"
FORMAT = 1


@dataclass(frozen=True)
class Truth:
    """What a clinic was drawn from, read back by `read_truth`."""

    design: ClinicDesign
    missing: Missing
    shortcut: Shortcut | None


def make_clinic(
    folder: str | Path,
    *,
    cases: int = 1000,
    size: int = 128,
    area: Area = AREA,
    interaction: float = 0.0,
    seed: int = 0,
    missing: Missing | None = None,
    shortcut: Shortcut | None = None,
    told: Told = "fields",
    workers: int = 2,
) -> Path:
    """Write a clinic. The same arguments give the same files, whatever the number of workers.

    Args:
        folder: new, empty, or an unfinished or older clinic, whose files are replaced.
        cases: number of cases, 1 or more.
        size: pixels of a photo's side.
        area: least and largest share of the photo that a lesion fills.
        interaction: λ of `ClinicDesign`.
        seed: fixes all chance.
        missing: None records every field.
        shortcut: None plants none.
        told: where the symptoms are told; see `text_of`.
        workers: threads that draw.

    Returns:
        The folder, for `Synthetic.load`.

    Raises:
        ConfigError: an option out of its range.
        DataError: the folder holds something else.
    """
    check_size(size)
    check_area(area)
    root = Path(folder)
    design = default_design(interaction=interaction)
    drawn = draw_cases(design, cases, seed=seed, missing=missing, shortcut=shortcut, told=told)
    _clear(root)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda case: _write_photo(root, case, size, area), drawn))
    _write_table(root / TABLE, [_clinic_row(case) for case in drawn])
    _write_table(root / LATENTS, [_latents_row(case) for case in drawn])
    truth = {
        "format": FORMAT,
        "seed": seed,
        "size": size,
        "area": list(area),
        "design": design.to_json(),
        "missing": asdict(missing or Missing()),
        "shortcut": asdict(shortcut) if shortcut else None,
    }
    (root / TRUTH).write_text(json.dumps(truth, indent=1), encoding="utf-8")
    return root


def read_cases(folder: str | Path) -> list[SyntheticCase]:
    """The cases of a clinic, to draw twins of them or to score an oracle.

    Raises:
        DataError: the folder holds no finished clinic.
    """
    root = Path(folder)
    truth = _read_truth_file(root)
    with (root / LATENTS).open(encoding="utf-8", newline="") as file:
        return [
            SyntheticCase(
                case_id=row["case_id"],
                patient_id=row["patient_id"],
                target=row["target"],
                values={name: row[name] for name in VALUES},
                hidden=tuple(row["hidden"].split()),
                told=_told(row["told"]),
                seed=truth["seed"],
            )
            for row in csv.DictReader(file)
        ]


def read_truth(folder: str | Path) -> Truth:
    """The tables of a clinic and what was planted in it.

    Raises:
        DataError: the folder holds no finished clinic.
    """
    truth = _read_truth_file(Path(folder))
    shortcut = truth["shortcut"]
    return Truth(
        design=ClinicDesign.from_json(truth["design"]),
        missing=Missing(**truth["missing"]),
        shortcut=Shortcut(**shortcut) if shortcut else None,
    )


def _write_photo(root: Path, case: SyntheticCase, size: int, area: Area) -> None:
    photo = render(case, size=size, area=area)
    Image.fromarray(photo.pixels).save(root / "photos" / f"{case.case_id}.jpg", quality=92, subsampling=0)
    Image.fromarray(photo.mask).save(root / "masks" / f"{case.case_id}.png")


def _clinic_row(case: SyntheticCase) -> dict[str, Any]:
    ids = {"case_id": case.case_id, "patient_id": case.patient_id, "lesion_id": case.case_id}
    row = {**ids, "image": f"photos/{case.case_id}.jpg", "target": case.target, "skin_tone": case.values["skin_tone"]}
    told = {name: "" if value is None else value for name, value in fields_of(case).items()}
    return {**row, **told, "text": text_of(case) or ""}


def _latents_row(case: SyntheticCase) -> dict[str, Any]:
    ids = {"case_id": case.case_id, "patient_id": case.patient_id, "target": case.target}
    return {**ids, "hidden": " ".join(case.hidden), "told": case.told, **{name: case.values[name] for name in VALUES}}


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _clear(root: Path) -> None:
    """Make room, but only where a clinic was or nothing is."""
    ours = {TABLE, LATENTS, TRUTH, "photos", "masks"}
    if root.exists() and not root.is_dir():
        raise DataError(f"{root} is a file; a clinic needs a folder")
    stray = sorted(path.name for path in root.iterdir() if path.name not in ours) if root.is_dir() else []
    if stray:
        raise DataError(f"{root} holds {stray[0]!r}, which is no part of a clinic; name a new or empty folder")
    (root / TRUTH).unlink(missing_ok=True)
    for name, suffix in (("photos", ".jpg"), ("masks", ".png")):
        (root / name).mkdir(parents=True, exist_ok=True)
        for old in (root / name).glob(f"case_*{suffix}"):
            old.unlink()


def _read_truth_file(root: Path) -> dict[str, Any]:
    path = root / TRUTH
    if not path.is_file():
        raise DataError(f"{root} holds no finished synthetic clinic ({TRUTH} is missing); make one with make_clinic")
    try:
        truth = dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise DataError(f"{path} cannot be read: {error}; make the clinic again with make_clinic") from error
    if truth.get("format") != FORMAT:
        raise DataError(f"{path} has format {truth.get('format')!r}, expected {FORMAT}; make the clinic again")
    return truth


def _told(word: str) -> Told:
    if word not in ("fields", "text", "both"):
        raise DataError(one_of("told", word, ("fields", "text", "both")))
    return word  # type: ignore[return-value]  # mypy does not narrow str to Literal by `in`
