"""From the data section of an experiment to a checked table of cases and its folds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mmskin.config.build import build
from mmskin.config.experiment import DataConfig
from mmskin.data.equal_photos import tie_equal_photos
from mmskin.data.missingness import excluded_fields, fully_recorded, input_schema
from mmskin.data.selection import rows_where, with_classes
from mmskin.data.sources import SOURCES
from mmskin.data.splits import (
    Split,
    folds_of_parts,
    hash_folds,
    make_folds,
    names_parts,
    read_folds,
    split_by_fold,
)
from mmskin.data.table import Cases, check_table
from mmskin.errors import ConfigError, DataError, first_of
from mmskin.schema import Schema

OFFICIAL = "official"


class Fold(NamedTuple):
    """One fold of an experiment: which cases do what, and what of them the model may see.

    excluded: fields that were asked for and may not be seen, each with its reason; see `mmskin.data.missingness`.
    """

    number: int
    split: Split
    schema: Schema
    excluded: Mapping[str, str] = {}


def read_source(data: DataConfig) -> Cases:
    """The table of cases as the source gives it, checked: rows and classes that are asked for, equal photos tied."""
    cases = check_table(build("source", SOURCES, data.source).load(data.root))
    cases = rows_where(cases, data.where) if data.where else cases
    cases = cases if data.classes is None else with_classes(cases, data.classes)
    return tie_equal_photos(cases, conflicts=data.conflicts, equal=data.equal_photos, copies=data.copies)


def load_cases(data: DataConfig) -> Cases:
    """The labelled cases of an experiment; see `labelled_cases`."""
    cases = read_source(data)
    return labelled_cases(cases, fields=asked_fields(data, cases.schema))


def labelled_cases(cases: Cases, *, fields: Sequence[str] | None = None) -> Cases:
    """Those with a target; beside them `group_fully_recorded` ("yes" or "no") and the subgroups as `group_<name>`.

    Fully recorded is a case in which none of these fields is empty; all fields if None. Where that is every case,
    nothing is optional and the group is left out.

    A subgroup may be a field of the history too: kept apart, it stays what it is when a history is hidden or shuffled.
    """
    table = cases.table[cases.table.target.notna()].reset_index(drop=True)
    in_use = cases.schema if fields is None else cases.schema.with_fields(fields)
    whole = fully_recorded(table, in_use)
    groups = {} if whole.all() else {"group_fully_recorded": whole.map({True: "yes", False: "no"})}
    groups |= {f"group_{column}": table[column] for column in cases.schema.subgroups}
    return cases._replace(table=table.assign(**groups))


def check_photos(data: DataConfig, cases: Cases) -> None:
    """For whoever reads photos: nothing, if those that the table names are there, but for a few.

    Raises:
        DataError: more than `data.absent_photos` of them are absent.
    """
    absent = len(cases.absent_photos)
    named = absent + int(cases.table.images.map(len).sum())
    if named and absent / named > data.absent_photos:
        unreadable = ", or cannot be read" if data.unreadable_photos == "skip" else ""
        raise DataError(
            f"{absent} of {named} photos named in the table of {cases.schema.name} are not there{unreadable}, such as "
            f"{first_of(cases.absent_photos, 3)}: cases without them would be left out. Put them there, or allow it by "
            f"data.absent_photos={math.ceil(100 * absent / named) / 100:g}"
        )


def folds_of(data: DataConfig, cases: Cases) -> pd.Series[int]:
    """Fold of every case: made, read from a file, or the data set's own split as folds 0 (test), 1 (val), 2 (train).

    Raises:
        DataError: "official" is asked for and the data set has no split of its own, or one without train and test.
    """
    if isinstance(data.folds, int):
        make = hash_folds if data.fold_method == "hash" else make_folds
        return make(cases.table, k=data.folds, seed=data.fold_seed)
    if data.folds == OFFICIAL:
        return official_folds(cases)
    return read_folds(Path(data.folds), cases.table, unknown="ignore")


def folds_to_test(data: DataConfig, folds: pd.Series[int]) -> list[int]:
    """The numbers of the folds to be tested; of an official split its test part alone."""
    if data.test_folds != "all":
        return data.test_folds
    return [0] if _is_in_parts(data) else sorted(set(folds))


def _is_in_parts(data: DataConfig) -> bool:
    """Whether the folds are one split into train, val and test."""
    return data.folds == OFFICIAL or (isinstance(data.folds, str) and names_parts(data.folds))


def official_folds(cases: Cases) -> pd.Series[int]:
    """The column `official_split` (train, val, test) as folds by case id; see `folds_of_parts`."""
    table = cases.table
    if "official_split" not in table:
        raise DataError(
            f"data.folds: official, however {cases.schema.name} has no split of its own; give a number of folds, a "
            "fold file, or the column of the split (data.source.split, of csv)"
        )
    return folds_of_parts(table, list(table.official_split))


def prepare_fold(data: DataConfig, cases: Cases, folds: pd.Series[int], number: int) -> Fold:
    """Split by fold, and narrow the schema to what the model may see.

    Raises:
        ConfigError: a fold number that does not exist.
    """
    if number not in set(folds):
        raise ConfigError(f"data.test_folds names fold {number}, however the folds are {sorted(set(folds))}")
    split = split_by_fold(cases.table, folds, test_fold=number, classes=cases.schema.classes)
    return narrowed(data, cases.schema, split, number)


def narrowed(data: DataConfig, schema: Schema, split: Split, number: int) -> Fold:
    """The fold of a split, with what its mode of missingness lets the model see."""
    asked = schema.with_fields(asked_fields(data, schema))
    seen = input_schema(asked, split.train, mode=data.missingness)
    excluded = excluded_fields(asked, split.train) if data.missingness == "always_recorded" else {}
    return Fold(number, split, seen, excluded)


def asked_fields(data: DataConfig, schema: Schema) -> list[str]:
    """The fields that an experiment asks for: those it names, or all, but for those it leaves out."""
    names = schema.field_names if data.fields is None else data.fields
    left_out = {schema.field(name).name for name in data.without}
    return [name for name in names if name not in left_out]
