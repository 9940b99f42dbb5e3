"""Columns, and blanks in columns, that tell the class too well alone: a model would read them instead of the skin.

Two kinds. The *value* of a column may be written after the diagnosis, or because of it. Whether a column is *recorded*
at all may follow the suspicion: in PAD-UFES-20 the history of no cancer is blank.

The thresholds spare what is honestly strong: age alone tells naevi from the rest with .91 in PAD-UFES-20, while a
biopsy, taken of every cancer, tells cancers with .89.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.audit.columns import Told, questions, tell
from mmskin.audit.counts import recorded
from mmskin.audit.held_out import Bools, HeldOut
from mmskin.audit.markers import marker_columns
from mmskin.data.missingness import flags
from mmskin.data.table import COLUMNS
from mmskin.schema import Schema

MALIGNANT = "malignant"  # the class group that has a threshold of its own
VALUE_OF_CLASS = 0.95  # AUROC of a value for a class, or any other group, from which it is a suspected proxy
VALUE_OF_MALIGNANT = 0.85  # the same for malignant against benign
RECORDED_LOW = 0.60  # where the interval of a recorded-flag begins, from which it is a shortcut

PROXY = "suspected proxy"
SHORTCUT = "recorded-flag tells the class"
DECLARED = "declared outcome, never an input"

BLOCK = "optional block"
# What the table holds beside fields and the data set's own columns: ids, parts, and subgroups, told elsewhere.
_NO_COLUMNS = (*COLUMNS, "photo_group", "official_split", "masks")
_SUBGROUP = "group_"


class _Column(NamedTuple):
    """One thing to be judged.

    name: of the column; several that are recorded in the same rows, as one.
    role: "field" (the optional block too), "outcome", "column" (neither), "text" or "images".
    told: "value" or "recorded".
    """

    name: str
    role: str
    told: str
    cells: pd.Series


def find_proxies(held_out: HeldOut, schema: Schema) -> pd.DataFrame:
    """Every column and every recorded-flag against every class and class group.

    Values are read in the rows in which they are recorded ("unknown" is an answer). Columns that hold one value only,
    and flags that are the same in all rows, are left out, and so are marker columns (`read_markers`). Columns that are
    recorded in exactly the same rows stand together in one row.

    Returns:
        column, role (field, outcome, column, text, images), told ("value" or "recorded"), read_as, against (a
        class, or a class group), auroc, low, high: on patients it was not fitted to, NaN where there are too few
        (`counts.RULE`); n, positives, patients; verdict: empty, `PROXY`, `SHORTCUT` or `DECLARED`.
    """
    sides = questions(held_out, schema)
    rows = []
    for column in (*_value_columns(held_out.cases, schema), *_flag_columns(held_out.cases, schema)):
        for against, positive in sides.items():
            told = tell(column.cells, positive, held_out=held_out)
            verdict = _verdict(column, told, is_malignant=against == MALIGNANT and MALIGNANT in schema.class_groups)
            size = (told.n, told.positives, told.patients)
            rows.append((column.name, column.role, column.told, told.read_as, against, *told.auroc, *size, verdict))
    columns = ["column", "role", "told", "read_as", "against", "auroc", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "n", "positives", "patients", "verdict"])


def named(proxies: pd.DataFrame) -> pd.DataFrame:
    """The columns that got a verdict, each with the class that it tells best, the strongest first."""
    found = proxies[proxies.verdict != ""].sort_values("auroc", ascending=False, kind="stable")
    return found.drop_duplicates(["column", "told"]).reset_index(drop=True)


def _verdict(column: _Column, told: Told, *, is_malignant: bool) -> str:
    if column.told == "recorded":
        crosses, verdict = told.auroc.low >= RECORDED_LOW, SHORTCUT
    else:
        crosses, verdict = told.auroc.auroc >= (VALUE_OF_MALIGNANT if is_malignant else VALUE_OF_CLASS), PROXY
    return "" if not crosses else DECLARED if column.role == "outcome" else verdict


def roles(table: pd.DataFrame, schema: Schema) -> dict[str, str]:
    """What each column is, for those that can tell something."""
    left_out = {*_NO_COLUMNS, *marker_columns(table, schema)}
    others = [
        str(name)
        for name in table.columns
        if name not in {*left_out, *schema.field_names} and not str(name).startswith(_SUBGROUP)
    ]
    fields = dict.fromkeys(schema.field_names, "field")
    return fields | {name: "outcome" if name in schema.outcomes else "column" for name in others}


def _value_columns(table: pd.DataFrame, schema: Schema) -> Iterator[_Column]:
    for name, role in roles(table, schema).items():
        if table[name].nunique() > 1:
            yield _Column(name, role, "value", table[name])


def _flag_columns(table: pd.DataFrame, schema: Schema) -> Iterator[_Column]:
    """Whether the block and each column are recorded; those recorded in the same rows once, with all their names."""
    role_of = {BLOCK: "field", **roles(table, schema), "text": "text", "images": "images"}
    is_recorded: dict[str, Bools] = {name: recorded(table, name) for name in role_of if name != BLOCK}
    is_recorded[BLOCK] = ~flags(table, schema)
    together: dict[tuple[str, bytes], list[str]] = {}
    for name, role in role_of.items():
        together.setdefault((role, is_recorded[name].tobytes()), []).append(name)
    for (role, _), names in together.items():
        flag = is_recorded[names[0]]
        if len(np.unique(flag)) > 1:
            cells = pd.Series(np.where(flag, "yes", "no"), dtype=object)
            yield _Column(", ".join(names), role, "recorded", cells)
