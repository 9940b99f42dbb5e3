"""Gradient-boosted trees on fields, on frozen embeddings, or on both side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from mmskin.benchmark.baselines.table_arm_contract import (
    FIELDS,
    Facts,
    Fit,
    all_classes,
    balanced_log_loss,
    calibrated,
    choose_parts,
    field_columns,
    targets,
)
from mmskin.evaluation.metrics import Floats
from mmskin.trained.trained_model import Predict


def gradient_boosting(
    facts: Facts,
    *,
    on: str | Sequence[str] = FIELDS,
    trees: int = 100,
    learning_rate: float = 0.05,
    leaves: int = 15,
    smallest_leaf: int = 10,
    balanced: bool = True,
) -> Fit:
    """scikit-learn's HistGradientBoostingClassifier; what is not recorded, or absent, is a branch of its own.

    Of the trees as many are used as give the lowest class-balanced log-loss on the validation rows; the other options
    are fixed. The same rows then give the temperature. Nothing is drawn at random.

    on: fields, text, a kind of photo (image where there is one), or several of them side by side.
    trees: at most, for each class.
    learning_rate: of a tree.
    leaves: of a tree, at most.
    smallest_leaf: cases in a leaf, at least.
    balanced: classes weigh alike in the fit, as they do in the metric.
    """
    parts = choose_parts(on, facts.schema)

    def read(rows: pd.DataFrame) -> tuple[Floats, list[bool]]:
        columns, is_code = [], []
        for part in parts:
            found, codes = field_columns(rows, facts.schema) if part == FIELDS else (facts.embed(part, rows), [])
            columns.append(found)
            is_code += codes or [False] * found.shape[1]
        return np.concatenate(columns, axis=1), is_code

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        inputs, is_code = read(train)
        model = HistGradientBoostingClassifier(
            max_iter=trees,
            learning_rate=learning_rate,
            max_leaf_nodes=leaves,
            min_samples_leaf=smallest_leaf,
            categorical_features=is_code if any(is_code) else None,
            class_weight="balanced" if balanced else None,
            early_stopping=False,
            random_state=0,
        )
        model.fit(inputs, targets(train, facts.schema))
        val_codes = targets(val, facts.schema)

        def stages(rows: pd.DataFrame) -> list[Floats]:
            staged = model.staged_predict_proba(read(rows)[0])
            return [all_classes(found, model.classes_, len(facts.schema.classes)) for found in staged]

        best = int(np.argmin([balanced_log_loss(answer, val_codes) for answer in stages(val)]))
        return calibrated(lambda rows: stages(rows)[best], val, facts.schema)

    return fit
