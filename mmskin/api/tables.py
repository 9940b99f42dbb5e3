"""From a table, a data frame or a published data set to cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.config.build import build
from mmskin.config.experiment import DataConfig
from mmskin.config.validation import validated
from mmskin.data import load
from mmskin.data.equal_photos import Conflicts, Equal, tie_equal_photos
from mmskin.data.sources import SOURCES
from mmskin.data.sources.csv_table import CsvTable, Unlabelled
from mmskin.data.table import Cases, check_table
from mmskin.errors import DataError, one_of

Columns = str | Sequence[str]


def read_table(
    table: str | Path | pd.DataFrame,
    *,
    target: str,
    photos: Columns | Mapping[str, Columns] | None = None,
    patient: str | None = None,
    lesion: str | None = None,
    case: str | None = None,
    text: Columns | None = None,
    fields: Mapping[str, Mapping[str, Any] | None] | Sequence[str] | None = None,
    outcomes: Mapping[str, str] | Sequence[str] = (),
    subgroups: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    class_groups: Mapping[str, Sequence[str]] | None = None,
    root: str | Path | None = None,
    unlabelled: Unlabelled = "error",
    conflicts: Conflicts = "keep",
    **options: Any,
) -> Cases:
    """Your own table, one row per case, as the data set `csv` reads it.

    >>> frame = pd.DataFrame({"dx": ["nevus", "melanoma"], "age": [30, 71], "itches": ["no", "yes"]})
    >>> cases = mmskin.read_table(frame, target="dx", fields={"age": {"kind": "numeric"}, "itches": {"kind": "yes_no"}})
    >>> cases.schema.classes
    ('melanoma', 'nevus')

    Args:
        table: a delimited text file, or a data frame.
        target: column of the label.
        photos: column or columns of photo paths; by kind, such as {"clinical": "photo", "dermoscopic": "scope"}.
        patient: column that says who the patient is: what may not cross a split. Without it every lesion, or row, is
            its own patient, which the remarks say.
        lesion: column that tells lesions of one patient apart.
        case: column of the case ids; "row_2" and so on if None, the row below the header being 2.
        text: column or columns of free text.
        fields: of the history: names, or names with what is declared of each; guessed from the columns if None.
        outcomes: columns that are known only after the diagnosis, with the reason or without; never inputs.
        subgroups: columns by which reports break results down.
        classes: in the order of the answers; the sorted labels if None.
        class_groups: named sets of classes, such as malignant.
        root: folder under which the photos lie. If None that of the file; of a data frame the current one, or any if
            all of its paths are absolute.
        unlabelled: what to do with rows without a label: "error", "keep" or "drop".
        conflicts: what to do with equal photos under different labels: "keep", "drop" or "error".
        options: further ones of `csv`: `mmskin describe csv` lists them.

    Returns:
        The cases; `remarks` tells what was guessed, left out or not found.

    Raises:
        DataError: everything that is wrong with the table, with rows and columns.
        ConfigError: an option that does not exist, or does not fit the others.
    """
    frame = table if isinstance(table, pd.DataFrame) else None
    path = None if isinstance(table, pd.DataFrame) else Path(table).expanduser().absolute()
    source = build(
        "source",
        {"csv": CsvTable},
        {
            "name": "csv",
            "target": target,
            "images": None if isinstance(photos, Mapping) else photos,
            "photos": photos if isinstance(photos, Mapping) else None,
            "patient": patient,
            "one_case_per_patient": patient is None,
            "lesion": lesion,
            "case": case,
            "text": text,
            "fields": fields,
            "outcomes": outcomes,
            "subgroups": subgroups,
            "classes": classes,
            "class_groups": class_groups,
            "unlabelled": unlabelled,
            "table": "table" if path is None else str(path),
        }
        | options,
    )
    if frame is not None:
        folder = Path(root) if root is not None else _root_of(frame, photos)
    else:
        assert path is not None
        folder = Path(root) if root is not None else path.parent
    return tie_equal_photos(check_table(source.load(folder, frame=frame)), conflicts=conflicts)


def read_source(
    name: str,
    root: str | Path,
    *,
    conflicts: Conflicts = "keep",
    where: Mapping[str, Sequence[str | float | bool | None]] | None = None,
    classes: Mapping[str, Sequence[str]] | None = None,
    equal_photos: Equal = "bytes",
    copies: str | Path | None = None,
    **options: Any,
) -> Cases:
    """A data set that mmskin knows, from the folder in which its files lie.

    >>> mmskin.read_source("ham1000", "/data/ham")
    Traceback (most recent call last):
    mmskin.errors.ConfigError: source 'ham1000' does not exist. Did you mean 'ham10000'? ...

    Args:
        name: `mmskin describe` lists them.
        root: the folder.
        conflicts: what to do with equal photos under different labels: "keep", "drop" or "error".
        where: rows that stay, by the values of columns: {"site": ["face", "nose"]}; None is an empty cell.
        classes: by class, the classes of the data set that it is made of.
        equal_photos: what makes two photos one, kept in one part of a split: "bytes" or "pixels".
        copies: a CSV file with columns first and second: cases that show one photo, such as copies.csv of an audit.
        options: of the data set.

    Raises:
        ConfigError: no such data set, option, column or class.
        DataError: files or columns missing, cells that are not admissible.
    """
    folder = Path(root).expanduser()
    build("source", SOURCES, {"name": name, **options})  # a wrong name or option comes before a wrong folder
    if not folder.is_dir():
        raise DataError(f"root={str(root)!r} is no folder; give the one in which the files of {name} lie")
    given = {"conflicts": conflicts, "where": where or {}, "classes": classes, "equal_photos": equal_photos}
    data = {"source": {"name": name, **options}, "root": str(folder), "copies": None if copies is None else str(copies)}
    return load.read_source(validated(DataConfig, {**given, **data}, where="read_source"))


def photo_columns(photos: Columns | Mapping[str, Columns] | None) -> list[str]:
    """The columns of all kinds."""
    named = list(photos.values()) if isinstance(photos, Mapping) else [] if photos is None else [photos]
    return [column for columns in named for column in ([columns] if isinstance(columns, str) else columns)]


def _root_of(frame: pd.DataFrame, photos: Columns | Mapping[str, Columns] | None) -> Path:
    """The root of the file system if every photo is named by an absolute path, else the current folder."""
    columns = photo_columns(photos)
    for column in columns:
        if column not in frame:
            raise DataError(one_of("photos: column", column, map(str, frame.columns)))
    paths = [Path(str(cell)) for column in columns for cell in frame[column].dropna() if str(cell).strip()]
    here = Path.cwd()
    return Path(here.anchor) if paths and all(path.is_absolute() for path in paths) else here
