"""What one arm answers of one fold, as rows of the predictions table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mmskin.benchmark.run.grid import Cell
from mmskin.data.load import Fold
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import GROUP
from mmskin.trained.trained_model import Predict


def fold_predictions(predict: Predict, fold: Fold, cell: Cell) -> pd.DataFrame:
    """Validation and test rows of one fold as one arm answers them; no test rows where the fold has none."""
    parts = {"val": fold.split.val, "test": fold.split.test}
    tables = [
        predictions_table(part, predict(part), fold, cell, split=split) for split, part in parts.items() if len(part)
    ]
    return pd.concat(tables, ignore_index=True)


def predictions_table(part: pd.DataFrame, probabilities: Floats, fold: Fold, cell: Cell, *, split: str) -> pd.DataFrame:
    """Rows of the predictions table for one part of one fold. Cases of which nothing was present are left out."""
    columns: dict[str, Any] = {
        "case_id": part.case_id,
        "patient_id": part.patient_id,
        "fold": fold.number,
        "seed": cell.seed,
        "arm": cell.arm,
        "split": split,
        "target": part.target,
    }
    columns |= {f"prob_{label}": probabilities[:, code] for code, label in enumerate(fold.schema.classes)}
    columns |= {column: part[column] for column in part.columns if column.startswith(GROUP)}
    return pd.DataFrame(columns).iloc[np.flatnonzero(~np.isnan(probabilities).any(axis=1))]
