"""The cases of another place as a model reads them: of a table laid out as its own, or of a config's data section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.api.frames import case_ids, file_to_answer
from mmskin.config.build import build
from mmskin.config.experiment import DataConfig
from mmskin.config.validation import validated
from mmskin.data.foreign_cases import in_schema
from mmskin.data.load import labelled_cases, read_source
from mmskin.data.sources import SOURCES
from mmskin.data.sources.csv_table import CsvTable
from mmskin.data.table import Cases
from mmskin.data.table_files import read_table_file
from mmskin.errors import DataError, UserError, first_of, one_of
from mmskin.schema import TableLayout, is_missing
from mmskin.trained.ensemble import Trained

TABLE = "csv"  # the source of own tables


def read_new_cases(place: Path | DataConfig, trained: Trained, *, kinds: Mapping[str, str] | None = None) -> Cases:
    """New cases; labels are neither needed nor read of an own table.

    Args:
        place: a table laid out as the model's own, or the data section of a config.
        trained: the model.
        kinds: see `in_schema`.

    Raises:
        DataError: see `file_to_answer` and `in_schema`.
    """
    if isinstance(place, Path):
        return file_to_answer(place, trained.schema, trained.modalities)
    source = build("source", SOURCES, place.source)
    if isinstance(source, CsvTable) and not kinds:
        declared = source.declaration
        path = Path(place.root) / declared.table[0]
        return file_to_answer(path, trained.schema, trained.modalities, layout=declared.layout)
    return in_schema(read_source(place), trained.schema, trained.modalities, kinds=kinds)


def labelled_new_cases(place: Path | DataConfig, trained: Trained, *, kinds: Mapping[str, str] | None = None) -> Cases:
    """New cases with their labels, patients and subgroups; those of classes that the model does not know are left out.

    Args:
        place: as of `read_new_cases`; a table must have the columns of label and patient of the model's own.
        trained: the model.
        kinds: see `in_schema`.

    Raises:
        DataError: no case with a label that the model knows; see `read_source` and `in_schema`.
        UserError: a table, and the model's own was none.
    """
    data = _laid_out_as_own(place, trained) if isinstance(place, Path) else place
    cases = labelled_cases(read_source(data))
    read = in_schema(cases, trained.schema, trained.modalities, kinds=kinds)
    known = read.table["target"].isin(trained.schema.classes)
    counts = read.table["target"][~known].value_counts()
    left_out = [f"{name} {count}" for name, count in counts.items()]
    if not known.any():
        raise DataError(
            f"no case of {cases.schema.name} has a class that the model knows: its classes are "
            f"{first_of(list(trained.schema.classes))}, however: {first_of(left_out)}; say which are the same by "
            "data.classes, such as {naevus: [nv]}"
        )
    remarks = [f"{counts.sum():,} cases of classes that the model does not know are left out: {first_of(left_out)}"]
    absent = [name for name in trained.schema.classes if name not in set(read.table["target"])]
    if absent:
        read = read._replace(
            remarks=(*read.remarks, f"no case is {first_of(absent)}: means over classes leave them out")
        )
    if known.all():
        return read
    return read._replace(table=read.table[known].reset_index(drop=True), remarks=(*read.remarks, *remarks))


def _laid_out_as_own(table: Path, trained: Trained) -> DataConfig:
    """The model's own data section with another table."""
    own: dict[str, Any] = dict(trained.record.get("experiment", {}).get("data", {}))
    source: Mapping[str, Any] = own.get("source", {})
    if source.get("name") != TABLE or "target" not in source:
        raise UserError(
            f"{table}: this model was trained on {trained.schema.name}, not on a table of {TABLE}, so where its labels "
            "stand is not known: give a YAML file with a data section (mmskin init makes one)"
        )
    there = table.absolute()
    changed = {"source": {**source, "table": there.name}, "root": str(there.parent), "folds": 5, "where": {}}
    return validated(DataConfig, own | changed, where=str(table))


def dates_of(place: Path | DataConfig, cases: Cases, column: str, trained: Trained) -> list[Any]:
    """The date of every case, NaT where it is blank; of a case of several rows the first one's.

    Args:
        place: the cases were read from.
        cases: as they were read.
        column: holds dates, such as 2026-03-31.
        trained: the model.

    Raises:
        DataError: no such column, or cells that are no dates, with their rows.
    """
    if column in cases.table:
        ids, cells = list(cases.table["case_id"]), cases.table[column]
    elif isinstance(place, Path):
        ids, cells = _column(place, column, trained.schema.layout)
    else:
        declared = getattr(build("source", SOURCES, place.source), "declaration", None)
        if declared is None:
            raise DataError(one_of("column of dates", column, list(map(str, cases.table))))
        ids, cells = _column(Path(place.root) / declared.table[0], column, declared.layout)
    blank = cells.map(is_missing)
    read = pd.to_datetime(cells.where(~blank, None).astype(object), errors="coerce", format="ISO8601")
    wrong = cells[read.isna() & ~blank]
    if len(wrong):
        rows = first_of([f"{label} ({cell})" for label, cell in wrong.items()], 3)
        raise DataError(f"column {column!r} must hold dates such as 2026-03-31, however, in rows {rows}")
    by_case = dict(zip(reversed(list(ids)), reversed(list(read)), strict=True))
    return [by_case.get(case, pd.NaT) for case in cases.table["case_id"]]


def _column(path: Path, column: str, layout: TableLayout) -> tuple[list[str], pd.Series[Any]]:
    """The case ids of a file and the cells of a column, as `file_to_answer` reads them."""
    rows = read_table_file(path, delimiter=layout.delimiter, encoding=layout.encoding).rows
    if column not in rows:
        raise DataError(one_of(f"{path}: column", column, list(map(str, rows))))
    return case_ids(rows, layout), rows[column].str.strip()
