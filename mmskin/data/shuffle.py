"""Parts of a case exchanged between patients; of the history as a control, so that it can tell nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmskin.errors import DataError
from mmskin.schema import Schema


def shuffle_histories(table: pd.DataFrame, schema: Schema, *, seed: int) -> pd.DataFrame:
    """A copy in which each case has the fields and the free text of a case of another patient, as a whole.

    The histories stay what they were, blanks included, and each is told once; photo, label and subgroups stay with
    their case. Patients are laid in random order, their cases side by side, and the histories moved on by as many cases
    as the largest patient has: so nobody gets their own back.

    The draw depends on the case ids, not on the order of rows.

    Args:
        table: rows of one part of a split: histories are never moved from one part into another.
        schema: names the fields.
        seed: of the draw, 0 or more.

    Raises:
        DataError: one patient has more than half of the cases.
    """
    largest = largest_patient(table)
    if 2 * largest > len(table):
        raise DataError(
            f"histories cannot be shuffled across patients: one of them has {largest} of {len(table)} cases, "
            "half or more of the part"
        )
    return exchange(table, [*schema.field_names, "text"], seed=seed)


def exchange(table: pd.DataFrame, columns: Sequence[str], *, seed: int) -> pd.DataFrame:
    """A copy in which each case has the cells of another patient's case in these columns, as a whole.

    See `shuffle_histories`. Where one patient has more than half of the cases, some of them get their own.
    """
    by_id = table.sort_values("case_id", kind="stable")
    patients = by_id.patient_id.drop_duplicates().to_numpy(dtype=object)
    place = dict(zip(patients, np.random.default_rng(seed).permutation(len(patients)), strict=True))
    order = by_id.index[np.argsort(by_id.patient_id.map(place).to_numpy(), kind="stable")]
    moved = np.roll(order, -min(largest_patient(table), len(table) // 2))
    copy = table.copy()
    for column in columns:
        copy[column] = pd.Series(table.loc[moved, column].to_numpy(dtype=object), index=order, dtype=object)
    return copy


def largest_patient(table: pd.DataFrame) -> int:
    """How many cases the patient has who has most; 0 of no case."""
    return int(table.patient_id.value_counts().max()) if len(table) else 0
