"""A data frame of new cases, read by the schema of a model: labels are neither needed nor looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.api.tables import Columns, photo_columns
from mmskin.data.table import make_table
from mmskin.errors import DataError, first_of, one_of
from mmskin.features import is_photo
from mmskin.schema import HISTORY_MODALITIES, FieldValue, Schema, is_missing

TEXT = "text"


def cases_to_answer(
    frame: pd.DataFrame,
    schema: Schema,
    modalities: Sequence[str],
    *,
    photos: Columns | Mapping[str, Columns] | None = None,
    text: str | None = None,
    root: str | Path | None = None,
) -> pd.DataFrame:
    """The table of cases, a row for each of the frame.

    Args:
        frame: its columns are fields of the schema by name; one that is absent is not recorded, others are not read.
        schema: of the model.
        modalities: that the model reads.
        photos: column or columns of paths, or of lists of paths; by kind where the model reads several. If None the
            columns that are called as the kinds are.
        text: column of the free text; "text", if there is one, if None.
        root: folder from which relative paths count; the current one if None.

    Raises:
        DataError: values that are not admissible, with their rows; columns that do not exist; nothing that can be read.
    """
    columns = [str(name) for name in frame.columns]
    frame = frame.set_axis(columns, axis=1)
    by_kind = _photo_columns(photos, [m for m in modalities if is_photo(m)] or schema.photos, columns)
    for column in [*photo_columns(by_kind), *([text] if text else [])]:
        if column not in columns:
            raise DataError(one_of("the table's column", column, columns))
    notes = text or (TEXT if TEXT in columns else None)
    read = [name for name in schema.field_names if name in columns]
    if not (read or by_kind or notes):
        raise DataError(
            f"the table holds nothing that this model reads: its columns are {first_of(columns)}, and the fields of "
            f"the model {first_of(list(schema.field_names)) or 'none'}; name the "
            "photos (photos='column'), or rename columns"
        )
    folder = Path.cwd() if root is None else Path(root).expanduser()
    paths = [
        [(str(folder / path), kind) for kind, names in by_kind.items() for name in names for path in _paths(row[name])]
        for row in frame[photo_columns(by_kind)].to_dict("records")
    ]
    ids = [f"row_{place}" for place in range(len(frame))]
    values: dict[str, list[Any]] = {
        "case_id": ids,
        "patient_id": ids,
        "lesion_id": ids,
        "images": [tuple(path for path, _ in of_row) for of_row in paths],
        "image_kinds": [tuple(kind for _, kind in of_row) for of_row in paths],
        "target": [None] * len(frame),
        "text": [None if notes is None or is_missing(cell) else str(cell) for cell in frame[notes or columns[0]]],
    }
    return make_table(schema, values | _field_values(frame, schema, read))


def _photo_columns(
    photos: Columns | Mapping[str, Columns] | None, kinds: Sequence[str], columns: Sequence[str]
) -> dict[str, list[str]]:
    if photos is None:
        return {kind: [kind] for kind in kinds if kind in columns and kind not in HISTORY_MODALITIES}
    if isinstance(photos, Mapping):
        for kind in photos:
            if kind not in kinds:
                raise DataError(one_of("photos: kind", kind, kinds))
        return {kind: photo_columns(named) for kind, named in photos.items()}
    if len(kinds) > 1:
        raise DataError(f"this model reads {' and '.join(kinds)}: name the columns by kind, photos={{{kinds[0]!r}: …}}")
    return {kinds[0]: photo_columns(photos)}


def _paths(cell: object) -> list[str]:
    if isinstance(cell, list | tuple):
        return [str(path) for path in cell]
    return [] if is_missing(cell) else [str(cell)]


def _field_values(frame: pd.DataFrame, schema: Schema, read: Sequence[str]) -> dict[str, list[FieldValue]]:
    """The values of every field of the schema, None where its column is absent."""
    faults: list[str] = []
    values: dict[str, list[FieldValue]] = {name: [None] * len(frame) for name in schema.field_names}
    for name in read:
        field = schema.field(name)
        for place, (label, cell) in enumerate(frame[name].items()):
            try:
                values[name][place] = field.parse(cell)
            except DataError as fault:
                faults.append(f"row {label}: {fault}")
    if faults:
        raise DataError(f"{len(faults)} values are not admissible: {first_of(faults)}", faults=faults)
    return values
