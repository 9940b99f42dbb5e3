"""Patients, lesions and photos that lie in several parts of a split: what a model saw in training, met again in a test.

`split_by_fold` refuses such folds. Here they are all listed, for folds that came with a data set or a paper.
"""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from mmskin.data.splits import ties
from mmskin.data.suspicions import shared_lesions


def find_crossings(table: pd.DataFrame, folds: pd.Series[int]) -> pd.DataFrame:
    """Everything that may not lie in two folds and does.

    Args:
        table: as in `Cases`; `photo_group`, where it is there, finds equal photos under two names.
        folds: by case id, see `folds_of` and `read_folds`; cases without one are left out.

    Returns:
        kind ("patient", "lesion", "image": the same file, "photo": the same bytes), id, folds (tuple), cases (tuple of
        case ids, those of the first fold first); in the order of kinds and of the table. No row if nothing crosses.
    """
    known = table[table.case_id.isin(folds.index)]
    fold = [int(number) for number in folds.loc[list(known.case_id)]]
    rows = []
    for kind, _, by_row in ties(known):
        members: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for number, case, values in zip(fold, known.case_id, by_row, strict=True):
            for value in values:
                members[value].append((number, case))
        for value, found in members.items():
            numbers = tuple(sorted({number for number, _ in found}))
            if len(numbers) > 1:
                cases = tuple(case for _, case in sorted(found, key=lambda member: member[0]))
                rows.append((kind, value, numbers, cases))
    return pd.DataFrame(rows, columns=["kind", "id", "folds", "cases"])


def find_shared_lesions(table: pd.DataFrame) -> pd.DataFrame:
    """Lesion ids of the table that stand under several patients: lesion_id, patients (tuple).

    A source that made its lesion ids unique, as `Cases` asks, says in its remarks how many were not.
    """
    known = table[table.lesion_id.notna()]
    shared = shared_lesions(known.patient_id, known.lesion_id)
    return pd.DataFrame([(lesion, tuple(of)) for lesion, of in shared.items()], columns=["lesion_id", "patients"])
