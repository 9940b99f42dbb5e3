"""The synthetic clinic, read as any other data set is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.photo_paths import MissingPhoto, PhotoFolder
from mmskin.data.table import Cases, check_table
from mmskin.errors import DataError, first_of, one_of
from mmskin.schema import FieldValue, Schema
from mmskin.synthetic.clinic import LATENTS, TABLE, read_truth
from mmskin.synthetic.history import TRUTHS, clinic_schema

_MARKS = ("pen", "ruler")  # those that a `Shortcut` can plant
_PLAIN = ("case_id", "patient_id", "lesion_id", "image", "target", "text", "skin_tone")


class Synthetic:
    """Invented patients with six invented diseases: as many cases as were asked for, each with a photo and a history.

    *How made.* By `mmskin.synthetic.make_clinic`, from tables in `truth.json`: photos, fields and free text are drawn
    from a few values each, so that Bayes' answer to every case is known (`mmskin.synthetic.bayes`).

    *Classes (share).* alvita .30, corvex .20, durelle .16, elstra .14, brenosa .10, fenoid .10. None of them exists and
    nothing learned here says anything about skin. Four are named worrying.

    *Patients.* 15 of 100 cases are a patient's second lesion: patients must not cross a split.

    *Known biases.* Those that were planted: a pen mark or ruler that goes with worrying diseases, symptoms left out at
    random, together, or by class. `truth.json` tells them. Without these, skin tone, body site, light, hair, pen and
    ruler are independent of the disease.

    *Markers.* `marker_pen` and `marker_ruler` tell in which photos these are drawn: for an audit, no fields.

    *Outcome columns.* `true_*` hold the values from which a case was drawn, for oracles. They are never inputs.

    *Licence* Apache-2.0. *To obtain* it, call `make_clinic(folder)`; nothing is downloaded.
    """

    def load(self, root: str | Path) -> Cases:
        """Read `cases.csv` and `latents.csv` under a folder and find the photos.

        The table has the columns of `Cases`, then `masks` of the lesions, `skin_tone`, the outcomes `true_*`,
        `marker_pen` and `marker_ruler`.

        Raises:
            DataError: no finished clinic; files, columns or cases missing; values not admissible.
        """
        folder = Path(root).resolve()
        schema = clinic_schema(read_truth(folder).design.classes)
        raw = read_delimited(folder / TABLE, delimiter=",").rows
        require_columns(raw, (*_PLAIN, *schema.field_names), path=folder / TABLE)
        images, remarks = _images(raw, folder)
        table = pd.DataFrame(
            {
                **{name: raw[name].to_list() for name in ("case_id", "patient_id", "lesion_id")},
                "images": pd.Series(images, dtype=object),
                "target": [_class(cell, row, schema) for row, cell in raw["target"].items()],
                "text": pd.Series([cell or None for cell in raw["text"]], dtype=object),
                **_fields(raw, schema, folder / TABLE),
                "masks": pd.Series([_masks(photos) for photos in images], dtype=object),
                "skin_tone": raw["skin_tone"].to_list(),
            }
        )
        return check_table(Cases(schema, table.join(_truths(table, folder / LATENTS)), remarks))


def _images(raw: pd.DataFrame, folder: Path) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    photos = PhotoFolder(folder)
    images: list[tuple[str, ...]] = []
    absent = []
    for name in raw["image"]:
        try:
            images.append((photos.locate(name),))
        except MissingPhoto as error:
            images.append(())
            absent.append(error)
    remark = f"{len(absent)} of {len(images)} photos not found: {first_of(absent, 3)}"
    return images, (remark,) if absent else ()


def _masks(photos: tuple[str, ...]) -> tuple[str, ...]:
    """The masks that lie beside photos, or none if one is not there."""
    masks = [Path(photo).parents[1] / "masks" / f"{Path(photo).stem}.png" for photo in photos]
    return tuple(map(str, masks)) if all(mask.is_file() for mask in masks) else ()


def _class(cell: str, row: object, schema: Schema) -> str:
    if cell not in schema.classes:
        raise DataError(f"{TABLE}, row {row}: " + one_of("target", cell, schema.classes))
    return cell


def _fields(raw: pd.DataFrame, schema: Schema, path: Path) -> dict[str, pd.Series]:
    """An object column for every field, all faults told at once."""
    faults = []
    columns: dict[str, pd.Series] = {}
    for field in schema.fields:
        values: list[FieldValue] = []
        for row, cell in raw[field.name].items():
            try:
                values.append(field.parse(cell))
            except DataError as error:
                faults.append(f"row {row}: {error}")
        columns[field.name] = pd.Series(values, dtype=object)
    if faults:
        raise DataError(f"{path}: {first_of(faults)}")
    return columns


def _truths(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The values from which the cases were drawn and the marks in their photos, in the order of the table."""
    raw = read_delimited(path, delimiter=",").rows
    require_columns(raw, ("case_id", *TRUTHS, *_MARKS), path=path)
    latents = raw.set_index("case_id")
    strangers = sorted(set(table.case_id) - set(latents.index))
    if strangers:
        raise DataError(f"{path} lacks {len(strangers)} cases of {TABLE}: {first_of(strangers)}; make the clinic again")
    found = latents.loc[table.case_id, [*TRUTHS, *_MARKS]].reset_index(drop=True)
    return found.rename(columns={name: f"true_{name}" for name in TRUTHS} | {m: f"marker_{m}" for m in _MARKS})
