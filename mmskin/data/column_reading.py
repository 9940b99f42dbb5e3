"""The cells of one column as values of a field, in training and ever after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Any, NamedTuple

import pandas as pd

from mmskin.data.suspicions import name_rows
from mmskin.errors import DataError
from mmskin.quantities import RULES, Rule
from mmskin.schema import Field, FieldValue


class Fault(NamedTuple):
    """A cell that is not admissible; place: in the column, from 0."""

    place: int
    row: Hashable
    cell: object
    why: str


class ColumnRead(NamedTuple):
    """What a column holds.

    values: a value a cell, None where it is not admissible.
    faults: of those cells.
    rules: how numbers were read that are not plainly written, and where, a sentence each.
    """

    values: list[FieldValue]
    faults: list[Fault]
    rules: list[str]


def read_column(field: Field, cells: pd.Series[Any]) -> ColumnRead:
    """Every cell by `Field.read`; the index names the rows."""
    read = ColumnRead([], [], [])
    by_rule: dict[Rule, list[Hashable]] = defaultdict(list)
    for place, (row, cell) in enumerate(cells.items()):
        try:
            value = field.read(cell)
        except DataError as fault:
            read.values.append(None)
            read.faults.append(Fault(place, row, cell, str(fault)))
            continue
        read.values.append(value.value)
        if value.rule:
            by_rule[value.rule].append(row)
    read.rules.extend(f"{RULES[rule]} in {name_rows(rows)}" for rule, rows in by_rule.items())
    return read
