"""A table of new cases, read as the table that the model was trained on: no label is looked at, nothing is guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.api.tables import Columns, photo_columns
from mmskin.data.column_reading import read_column
from mmskin.data.photo_search import search_photos
from mmskin.data.suspicions import name_rows
from mmskin.data.table import Cases, make_table
from mmskin.data.table_files import read_table_file
from mmskin.errors import DataError, first_of, one_of
from mmskin.features import is_photo
from mmskin.schema import HISTORY_MODALITIES, UNKNOWN, Field, FieldValue, Schema, TableLayout, is_missing

TEXT = "text"


def file_to_answer(
    path: Path, schema: Schema, modalities: Sequence[str], *, layout: TableLayout | None = None
) -> Cases:
    """The cases of a file; photos lie beside it, or in the layout's folder beside it.

    Args:
        path: of the file.
        schema: of the model.
        modalities: that the model reads.
        layout: where things stand in the file; as in the model's own table if None.

    Raises:
        DataError: see `read_table_file` and `cases_to_answer`.
    """
    layout = layout or schema.layout
    is_list = all(map(is_photo, modalities))  # of photos, under one name
    raw = read_table_file(path, delimiter=layout.delimiter, encoding=layout.encoding, one_column=is_list)
    frame = raw.rows.apply(lambda column: column.str.strip())
    cases = cases_to_answer(frame, schema.model_copy(update={"layout": layout}), modalities, root=path.parent)
    return cases._replace(remarks=(*raw.remarks, *cases.remarks))


def cases_to_answer(
    frame: pd.DataFrame,
    schema: Schema,
    modalities: Sequence[str],
    *,
    photos: Columns | Mapping[str, Columns] | None = None,
    text: str | None = None,
    root: str | Path | None = None,
) -> Cases:
    """The cases of a frame, a row each; the remarks say what was not there and how odd values were read.

    Args:
        frame: its columns are those of the model's own table (`Schema.layout`), or fields by name. A field whose column
            is absent or blank is not recorded; a word that a field does not know is unknown; others are not read.
        schema: of the model.
        modalities: that the model reads.
        photos: column or columns of paths, or of lists of paths; by kind where the model reads several. If None those
            of the model's own table, or that are called as the kinds are.
        text: column of the free text; that of the model's own table, or "text", if None.
        root: folder from which relative paths count, and under which photos are looked for; the current one if None,
            where they must lie as they are named.

    Raises:
        DataError: numbers that cannot be read or photos that are not there, with their rows; columns that do not exist;
            nothing that can be read.
    """
    columns = [str(name) for name in frame.columns]
    frame = frame.set_axis(columns, axis=1)
    layout = schema.layout
    kinds = [m for m in modalities if is_photo(m)] or list(schema.photos)
    by_kind = _photo_columns(photos, kinds, columns, layout)
    for column in [*photo_columns(by_kind), *([text] if text else [])]:
        if column not in columns:
            raise DataError(one_of("the table's column", column, columns))
    notes = [text] if text else [name for name in layout.text or (TEXT,) if name in columns]
    read = _field_columns(schema, columns)
    if not (read or by_kind or notes):
        raise DataError(
            f"the table holds nothing that this model reads: its columns are {first_of(columns)}, and the fields of "
            f"the model {first_of(list(schema.field_names)) or 'none'}; name the "
            "photos (photos='column'), or rename columns"
        )
    values, remarks, faults = _field_values(frame, schema, read)
    folder = None if root is None else Path(root).expanduser()
    layout_of_photos = layout if photos is None else TableLayout()
    images, of_photos = _photos(frame, by_kind, folder, layout_of_photos, faults)
    ids = case_ids(frame, layout)
    values["patient_id"] = _patients(frame, ids, layout)
    values["text"] = [_text(cells) for cells in frame[notes].itertuples(index=False, name=None)]
    if layout_of_photos.rows_are_photos and len(set(ids)) < len(ids):
        ids, values, images = _one_row_a_case(ids, values, images, order=kinds, faults=faults)
        remarks.append(f"{len(frame)} rows are photos of {len(ids)} cases")
    if faults:
        raise DataError(f"{len(faults)} values are not admissible: {first_of(faults)}", faults=faults)
    found: dict[str, list[Any]] = {
        "case_id": ids,
        "lesion_id": ids,
        "images": [tuple(path for path, _ in of_row) for of_row in images],
        "image_kinds": [tuple(kind for _, kind in of_row) for of_row in images],
        "target": [None] * len(ids),
    }
    return Cases(schema, make_table(schema, found | values), (*remarks, *of_photos))


def _one_row_a_case(
    ids: Sequence[str],
    values: Mapping[str, Sequence[FieldValue]],
    images: Sequence[Sequence[tuple[str, str]]],
    *,
    order: Sequence[str],
    faults: list[str],
) -> tuple[list[str], dict[str, list[FieldValue]], list[list[tuple[str, str]]]]:
    """The rows of a case as one, its photos in the order of their kinds; what else they say and differs is a fault."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, case in enumerate(ids):
        places[case].append(place)
    merged: dict[str, list[FieldValue]] = {name: [] for name in values}
    for case, of in places.items():
        for name, column in values.items():
            merged[name].append(column[of[0]])
            if len({column[place] for place in of}) > 1:
                faults.append(f"the rows of case {case} differ in {name}; they are photos of one case")
    photos = [[photo for place in of for photo in images[place]] for of in places.values()]
    by_kind = [sorted(of_case, key=lambda photo: order.index(photo[1])) for of_case in photos]
    return list(places), merged, by_kind


def case_ids(frame: pd.DataFrame, layout: TableLayout) -> list[str]:
    """Those of the table, or the labels of its rows."""
    if layout.case in frame and not frame[layout.case].map(is_missing).any():
        return [str(cell) for cell in frame[layout.case]]
    return [f"row_{label}" for label in frame.index]


def _patients(frame: pd.DataFrame, ids: Sequence[str], layout: TableLayout) -> list[FieldValue]:
    """Those of the table; a case without one is its own."""
    if layout.patient is None or layout.patient not in frame:
        return list(ids)
    return [case if is_missing(cell) else str(cell) for case, cell in zip(ids, frame[layout.patient], strict=True)]


def _text(cells: Sequence[object]) -> str | None:
    return " ".join(str(cell).strip() for cell in cells if not is_missing(cell)) or None


def _field_columns(schema: Schema, columns: Sequence[str]) -> dict[str, str]:
    """By field its column: that of the model's own table, or that of its name."""
    named = {name: schema.layout.fields.get(name, name) for name in schema.field_names}
    chosen = {name: column if column in columns else name for name, column in named.items()}
    return {name: column for name, column in chosen.items() if column in columns}


def _photo_columns(
    photos: Columns | Mapping[str, Columns] | None, kinds: Sequence[str], columns: Sequence[str], layout: TableLayout
) -> dict[str, list[str]]:
    if photos is None:
        named = {kind: [name for name in layout.photos.get(kind, ()) if name in columns] for kind in kinds}
        by_kind = {kind: named[kind] or [kind] for kind in kinds if kind not in HISTORY_MODALITIES}
        return {kind: names for kind, names in by_kind.items() if set(names) <= set(columns)}
    if isinstance(photos, Mapping):
        for kind in photos:
            if kind not in kinds:
                raise DataError(one_of("photos: kind", kind, kinds))
        return {kind: photo_columns(named) for kind, named in photos.items()}
    if len(kinds) > 1:
        raise DataError(f"this model reads {' and '.join(kinds)}: name the columns by kind, photos={{{kinds[0]!r}: …}}")
    return {kinds[0]: photo_columns(photos)}


def _photos(
    frame: pd.DataFrame,
    by_kind: Mapping[str, Sequence[str]],
    folder: Path | None,
    layout: TableLayout,
    faults: list[str],
) -> tuple[list[list[tuple[str, str]]], list[str]]:
    """By row the paths of its photos with their kinds, and remarks; a photo that is not there is a fault."""
    root = (folder or Path.cwd()) / layout.image_root
    of_row = _kinds_of_rows(frame, layout, faults)
    named = [
        (place, label, kind, name)
        for kind, columns in by_kind.items()
        for column in columns
        for place, (label, cell) in enumerate(frame[column].items())
        if of_row is None or of_row[place] == kind
        for name in _names(cell, layout)
    ]
    outside = {name: name for *_, name in named if Path(name).is_absolute() and Path(name).is_file()}
    inside = [name for *_, name in named if name not in outside]
    search = search_photos(root, inside, elsewhere_too=folder is not None)
    images: list[list[tuple[str, str]]] = [[] for _ in range(len(frame))]
    for place, label, kind, name in named:
        path = search.found.get(name) or outside.get(name)
        if path:
            images[place].append((path, kind))
        else:
            faults.append(f"row {label}: photo {search.refused.get(name, f'{name!r} is not under {root}')}")
    return images, search.remarks


def _kinds_of_rows(frame: pd.DataFrame, layout: TableLayout, faults: list[str]) -> list[str | None] | None:
    """By row the kind of its photo, where the table tells it."""
    rows = layout.photo_rows
    if rows is None or rows.column not in frame:
        return None
    cells = frame[rows.column]
    faults += [
        f"row {label}: {one_of(rows.column, str(cell), rows.kinds)}"
        for label, cell in cells.items()
        if str(cell) not in rows.kinds
    ]
    return [rows.kinds.get(str(cell)) for cell in cells]


def _names(cell: object, layout: TableLayout) -> list[str]:
    if isinstance(cell, list | tuple):
        return [str(path) for path in cell]
    if is_missing(cell):
        return []
    written = str(cell)
    parts = written.split(layout.image_separator) if layout.image_separator else [written]
    return [part.strip() + layout.image_suffix for part in parts if part.strip()]


def _field_values(
    frame: pd.DataFrame, schema: Schema, read: Mapping[str, str]
) -> tuple[dict[str, list[FieldValue]], list[str], list[str]]:
    """The values of every field of the schema, None where its column is absent; remarks; faults."""
    values: dict[str, list[FieldValue]] = {name: [None] * len(frame) for name in schema.field_names}
    remarks: list[str] = []
    faults: list[str] = []
    for name, column in read.items():
        values[name] = _column_values(schema.field(name), frame[column], remarks, faults)
    if lacking := [name for name in schema.field_names if name not in read]:
        remarks.append(f"no column for {first_of(lacking, 30)}: not recorded for any case")
    if blank := [name for name in read if all(value is None for value in values[name])]:
        remarks.append(f"nothing recorded in the columns of {first_of(blank, 30)}")
    return values, remarks, faults


def _column_values(field: Field, cells: pd.Series[Any], remarks: list[str], faults: list[str]) -> list[FieldValue]:
    """A word that the field does not know is unknown; a number that cannot be read is a fault."""
    read = read_column(field, cells)
    remarks += [f"{field.name}: {rule}" for rule in read.rules]
    if field.is_number:
        faults += [f"row {fault.row}: {fault.why}" for fault in read.faults]
        return read.values
    unseen: dict[str, list[Hashable]] = defaultdict(list)
    for fault in read.faults:
        read.values[fault.place] = UNKNOWN
        unseen[str(fault.cell)].append(fault.row)
    remarks += [
        f"{field.name}: {word!r} in {name_rows(rows)} is no value that the model knows: read as unknown"
        for word, rows in unseen.items()
    ]
    return read.values
