"""Every arm once more on its test cases, whose photos have faults: a table beside the predictions of the cell.

The arm is not fitted again. Its first seed alone is asked, and every fault is drawn once. All else of a case stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmskin.benchmark.arms import Fitted, ResolvedArm
from mmskin.benchmark.baselines.table_arm_contract import CORRUPTED
from mmskin.benchmark.missing_cells import expected_answer
from mmskin.benchmark.run.fold_predictions import predictions_table
from mmskin.benchmark.run.grid import Cell
from mmskin.data.load import Fold
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.robustness import CLEAN
from mmskin.inputs.corruptions import Corruption


def may_read_photos(arm: ResolvedArm) -> bool:
    """Whether a fault of a photo can change its answer: it reads photos, or other arms, which may."""
    return "photo" in arm.parts or bool(arm.reads)


def corrupted_answers(
    fitted: Fitted,
    fold: Fold,
    cell: Cell,
    predictions: pd.DataFrame,
    corruptions: Sequence[Corruption],
    *,
    reads_photos: bool,
) -> pd.DataFrame:
    """What an arm answers of its test cases, clean and with every fault: columns corruption and severity name them.

    A case of which the arm has nothing to go by is written down as in `missing_answers`, so that all have the same
    cases. The clean answers are those of the predictions.

    Args:
        fitted: the arm.
        fold: its rows.
        cell: which arm, fold and seed.
        predictions: what it has answered of this fold.
        corruptions: faults of photos.
        reads_photos: if False the arm is not asked again, for it answers as before.
    """
    rows, expected = fold.split.test, expected_answer(predictions, fold.schema)
    test = predictions[predictions["split"] == "test"].set_index("case_id")
    clean = test.reindex(rows.case_id)[[f"prob_{name}" for name in fold.schema.classes]].to_numpy(dtype=np.float64)
    tables = []
    for corruption in (Corruption(*CLEAN), *corruptions):
        same = not reads_photos or corruption == CLEAN
        answer = clean if same else asked_corrupted(fitted, rows, corruption)
        answered = np.asarray(~np.isnan(answer).any(axis=1))
        table = predictions_table(rows, np.where(answered[:, None], answer, expected), fold, cell, split="test")
        tables.append(table.assign(corruption=corruption.name, severity=corruption.severity, answered=answered))
    return pd.concat(tables, ignore_index=True)


def asked_corrupted(fitted: Fitted, rows: pd.DataFrame, corruption: Corruption) -> Floats:
    """(N, C) probabilities of rows whose photos have a fault; NaN where nothing of a case is present."""
    if fitted.model is not None:
        return fitted.model.answered(lambda model: model.on_corrupted(corruption).probabilities(rows))
    return fitted.predict(rows.assign(**{CORRUPTED: pd.Series([corruption] * len(rows), rows.index, dtype=object)}))


def answered_of(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """What a robustness.parquet holds of the fault that these rows are told to have, the answered cases alone."""
    name, severity = rows[CORRUPTED].iloc[0]
    answered: pd.DataFrame = table[(table["corruption"] == name) & (table["severity"] == severity) & table["answered"]]
    return answered
