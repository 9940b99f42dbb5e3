"""LightGBM on fields, on principal components of frozen embeddings, or on both side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight

from mmskin.benchmark.baselines.table_arm_contract import (
    FIELDS,
    Facts,
    Fit,
    balanced_log_loss,
    calibrated,
    choose_parts,
    targets,
)
from mmskin.benchmark.baselines.table_columns import fit_columns
from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import Floats
from mmskin.trained.trained_model import Predict

EVERY = 10  # trees between two looks at the validation rows


def lightgbm(
    facts: Facts,
    *,
    on: str | Sequence[str] = FIELDS,
    pca: int = 32,
    trees: int = 300,
    learning_rate: float = 0.05,
    leaves: int = 15,
    smallest_leaf: int = 10,
    balanced: bool = True,
) -> Fit:
    """Boosted trees of Ke et al., *LightGBM: A highly efficient gradient boosting decision tree*, NeurIPS 2017.

    What is not recorded is a branch of its own. Of the trees as many are used as give the lowest class-balanced
    log-loss on the validation rows, which give the temperature too. Nothing is drawn at random.

    on: fields, text, a kind of photo (image where there is one), or several of them side by side.
    pca: principal components of each embedding.
    trees: at most, for each class.
    learning_rate: of a tree.
    leaves: of a tree, at most.
    smallest_leaf: cases in a leaf, at least.
    balanced: classes weigh alike in the fit, as they do in the metric.
    """
    parts, size = choose_parts(on, facts.schema), len(facts.schema.classes)
    try:
        import lightgbm as engine
    except ModuleNotFoundError:
        raise ConfigError("the table arm lightgbm needs: pip install 'mmskin[tables]'") from None
    options = {
        "objective": "multiclass",
        "num_class": size,
        "learning_rate": learning_rate,
        "num_leaves": leaves,
        "min_data_in_leaf": smallest_leaf,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        columns, codes = fit_columns(parts, train, facts, pca=pca), targets(train, facts.schema)
        is_code = [place for place, code in enumerate(columns.is_code) if code]
        weights = compute_sample_weight("balanced", codes) if balanced else None
        rows = engine.Dataset(
            columns.read(train), codes, weight=weights, categorical_feature=is_code, free_raw_data=False
        )
        model = engine.train(options, rows, num_boost_round=trees)
        val_inputs, val_codes = columns.read(val), targets(val, facts.schema)
        counts = list(range(EVERY, trees + 1, EVERY)) or [trees]
        losses = [balanced_log_loss(model.predict(val_inputs, num_iteration=n), val_codes) for n in counts]
        best = counts[int(np.argmin(losses))]

        def predict(asked: pd.DataFrame) -> Floats:
            return np.asarray(model.predict(columns.read(asked), num_iteration=best), dtype=np.float64)

        return calibrated(predict, val, facts.schema)

    return fit
