"""The synthetic clinic: its classes and fields are those of its own truth, and its latents lie in a file beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.table import Cases
from mmskin.data.tables.declaration import read_declaration
from mmskin.data.tables.engine import cases_of, parse_rows
from mmskin.data.tables.rows import Rows, read_rows
from mmskin.errors import DataError, first_of
from mmskin.synthetic.clinic import LATENTS, TABLE, read_truth
from mmskin.synthetic.history import TRUTHS, clinic_schema

_MARKS = ("pen", "ruler")  # those that a `Shortcut` can plant


class Synthetic:
    """A clinic that `mmskin.synthetic.make_clinic` has drawn."""

    def __init__(self) -> None:
        self.declaration = read_declaration("synthetic")

    def load(self, root: str | Path) -> Cases:
        """Read `cases.csv` and `latents.csv` under a folder and find the photos.

        The table has the columns of `Cases`, then `masks` of the lesions, `skin_tone`, the outcomes `true_*`,
        `marker_pen` and `marker_ruler`.

        Raises:
            DataError: no finished clinic; files, columns or cases missing; values not admissible.
        """
        schema = clinic_schema(read_truth(Path(root).resolve()).design.classes)
        declared = schema.model_dump(exclude_unset=True, exclude={"name", "fields"})
        fields = {field.name: field.model_dump(exclude_unset=True) for field in schema.fields}
        declaration = self.declaration.changed(**declared, fields=fields)
        rows = read_rows(declaration, root, made=list(schema.outcomes))
        markers = _join_latents(rows)
        values = parse_rows(declaration, rows)
        values["masks"] = [_masks(photos) for photos in values["images"]]
        cases = cases_of(declaration, rows, values | markers)
        drawn = hashlib.sha256((rows.folder / LATENTS).read_bytes()).hexdigest()[:12]
        return cases._replace(schema=cases.schema.model_copy(update={"population": f"clinic {drawn}"}))


def _masks(photos: tuple[str, ...]) -> tuple[str, ...]:
    """The masks that lie beside photos, or none if one is not there."""
    masks = [Path(photo).parents[1] / "masks" / f"{Path(photo).stem}.png" for photo in photos]
    return tuple(map(str, masks)) if all(mask.is_file() for mask in masks) else ()


def _join_latents(rows: Rows) -> dict[str, list[str]]:
    """The values from which the cases were drawn, as columns of the rows; the marks in their photos by name.

    Raises:
        DataError: the file or columns of it are not there, or it lacks cases.
    """
    path, cells = rows.folder / LATENTS, rows.cells
    latents = read_delimited(path, delimiter=",").rows
    require_columns(latents, ("case_id", *TRUTHS, *_MARKS), path=path)
    latents = latents.set_index("case_id")
    strangers = sorted(set(cells.case_id) - set(latents.index))
    if strangers:
        raise DataError(f"{path} lacks {len(strangers)} cases of {TABLE}: {first_of(strangers)}; make the clinic again")
    drawn = latents.loc[cells.case_id]
    for name in TRUTHS:
        cells[f"true_{name}"] = list(drawn[name])
    return {f"marker_{name}": list(drawn[name]) for name in _MARKS}
