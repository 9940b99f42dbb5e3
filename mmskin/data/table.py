"""The canonical table: one row per case, whatever the data set looked like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import pandas as pd

from mmskin.errors import DataError, first_of, one_of
from mmskin.schema import FieldValue, History, Schema, counted_patients

COLUMNS = ("case_id", "patient_id", "lesion_id", "images", "image_kinds", "target", "text")


class Cases(NamedTuple):
    """What a source gives.

    table: one row per case, RangeIndex. Columns:
        case_id: str, unique.
        patient_id: str, never missing: what may not cross a split. A source without patients puts the widest group it
            knows (a lesion, a case) and says so in its remarks.
        lesion_id: str, unique to a lesion over all patients.
        images: tuple of absolute paths (str), empty if the case has no photo.
        image_kinds: tuple of as many kinds of photo (str), each one of `schema.photos`.
        target: class name, or None where the label is not known.
        text: free text, or None.
        one object column per declared field, its values as `Field.parse` gives them (None: not recorded);
        then outcome columns and subgroup columns as read.
        masks, where the data set has any: tuple of absolute paths, one a photo; not 0 inside the lesion. For checks of
        heat maps, never an input.
    remarks: what was repaired, dropped, merged or not found, one line each with its count.
    absent_photos: photos that rows name and that are not there, while others are; with their rows where known.
    """

    schema: Schema
    table: pd.DataFrame
    remarks: tuple[str, ...] = ()
    absent_photos: tuple[str, ...] = ()

    def __repr__(self) -> str:
        counts = self.table["target"].value_counts()
        classes = ", ".join(f"{name} {counts.get(name, 0)}" for name in self.schema.classes)
        lines = [
            f"Cases of {self.schema.name}: {len(self.table):,} cases, {self.patients}",
            f"  classes: {classes}",
            f"  photos:  {', '.join(f'{kind} {count}' for kind, count in self._photos().items())}",
            f"  fields:  {', '.join(self.schema.field_names) or 'none'}",
            f"  remarks: {len(self.remarks)}{' (see .remarks)' if self.remarks else ''}",
        ]
        return "\n".join(lines)

    @property
    def patients(self) -> str:
        """How many, in words; lesions where nobody knows the patients."""
        return counted_patients(self.table["patient_id"].nunique(), self.schema.patient_unit)

    def _photos(self) -> dict[str, int]:
        """The number of photos by kind."""
        kinds = [kind for of_case in self.table["image_kinds"] for kind in of_case]
        return {kind: kinds.count(kind) for kind in self.schema.photos}


class Source(Protocol):
    """A data set: its class docstring is its data card, its constructor's keyword options are its config."""

    def load(self, root: str) -> Cases:
        """Read the tables under a folder; photos are looked for, not opened.

        Raises:
            DataError: files or columns missing, values not admissible; all offenders at once, with rows.
        """
        ...


def make_table(schema: Schema, values: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Columns by name as the table of a source: those of `Cases` first, then the fields, then the others.

    `text` may be left out: then no case has any. `image_kinds` may be where the schema has one kind of photo.
    """
    size = len(values["case_id"])
    columns = {"text": [None] * size, **values}
    if "image_kinds" not in columns and len(schema.photos) == 1:
        columns["image_kinds"] = [schema.photos * len(images) for images in columns["images"]]
    known = [name for name in (*COLUMNS, *schema.field_names) if name in columns]
    order = dict.fromkeys([*known, *columns])
    # object: pandas would turn None into NaN otherwise, and None is what "not recorded" is
    return pd.DataFrame({name: pd.Series(list(columns[name]), dtype=object) for name in order})


def rename_columns(cases: Cases, names: Mapping[str, str]) -> Cases:
    """The same cases with other names for some fields, outcomes and subgroups; a field keeps its title."""
    schema = cases.schema
    fields = [
        field.model_copy(update={"name": names[field.name], "label": field.title}) if field.name in names else field
        for field in schema.fields
    ]
    renamed = schema.model_copy(
        update={
            "fields": tuple(fields),
            "optional_block": tuple(names.get(name, name) for name in schema.optional_block),
            "subgroups": tuple(names.get(name, name) for name in schema.subgroups),
            "outcomes": {names.get(name, name): reason for name, reason in schema.outcomes.items()},
            "red_flags": tuple(flag.renamed(names) for flag in schema.red_flags),
        }
    )
    return cases._replace(schema=renamed, table=cases.table.rename(columns=dict(names)))


def check_table(cases: Cases) -> Cases:
    """The same cases, if they keep the promises of `Cases`.

    Raises:
        DataError: a column is missing, a case id is doubled or a patient id is blank, a target is no class, a photo has
            no kind or one that the schema does not declare.
    """
    schema, table = cases.schema, cases.table
    missing = [c for c in (*COLUMNS, *schema.field_names) if c not in table.columns]
    if missing:
        raise DataError(f"{schema.name}: the table of cases lacks {first_of(missing)}")
    if table.empty:
        raise DataError(f"{schema.name}: the table holds no case")
    doubled = table.case_id[table.case_id.duplicated()].unique()
    if len(doubled):
        raise DataError(f"{schema.name}: {len(doubled)} case ids stand twice: {first_of(list(doubled))}")
    blank = table.case_id[table.patient_id.isna()]
    if len(blank):
        raise DataError(f"{schema.name}: {len(blank)} cases have no patient_id: {first_of(list(blank))}")
    unequal = table.case_id[table.images.map(len) != table.image_kinds.map(len)]
    if len(unequal):
        raise DataError(
            f"{schema.name}: {len(unequal)} cases have more or fewer kinds than photos: {first_of(list(unequal))}"
        )
    strangers = sorted({kind for kinds in table.image_kinds for kind in kinds} - set(schema.photos))
    if strangers:
        raise DataError(f"{schema.name}: {one_of('kind of photo', strangers[0], schema.photos)}")
    stray = sorted(set(table.target.dropna()) - set(schema.classes))
    if stray:
        raise DataError(f"{schema.name}: target {stray[0]!r} is no class; classes are {', '.join(schema.classes)}")
    return cases


def history_of(row: Mapping[Any, Any] | pd.Series[Any], schema: Schema) -> History:
    """The history of one row, with the fields that the schema declares and no others."""
    fields: dict[str, FieldValue] = {name: _value(row[name]) for name in schema.field_names}
    text = _value(row["text"])
    return History(fields=fields, text=None if text is None else str(text))


def photos_by_kind(table: pd.DataFrame, schema: Schema) -> list[dict[str, list[str]]]:
    """The photos of every row by kind, in order; a table without `image_kinds` has the first declared kind alone."""
    images: list[tuple[str, ...]] = table["images"].tolist()
    kinds = table["image_kinds"].tolist() if "image_kinds" in table else [schema.photos[:1] * len(p) for p in images]
    return [
        {kind: [photo for photo, of in zip(photos, of_row, strict=True) if of == kind] for kind in schema.photos}
        for photos, of_row in zip(images, kinds, strict=True)
    ]


def _value(cell: Any) -> FieldValue:
    """A cell, with pandas' several nothings as None."""
    if cell is None or cell is pd.NA or (isinstance(cell, float) and cell != cell):
        return None
    return cell  # type: ignore[no-any-return]


def histories(table: pd.DataFrame, schema: Schema) -> list[History]:
    """The history of every row, in order."""
    return [history_of(row, schema) for row in table.to_dict("records")]
