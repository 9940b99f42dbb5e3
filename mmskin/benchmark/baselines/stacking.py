"""Stacking: a logistic regression that weighs what other arms have answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmskin.benchmark.baselines.logistic_regression import fit_one
from mmskin.benchmark.baselines.table_arm_contract import Facts, Fit, targets
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import PROB
from mmskin.trained.trained_model import Predict

SMALLEST = 1e-6  # of a probability, so that one sure answer does not drown the others


def stacking(facts: Facts, *, over: Sequence[str], c: float = 0.1, balanced: bool = True) -> Fit:
    """Multinomial logistic regression on the log-probabilities of other arms, fitted to validation rows alone.

    Training rows are not read: the other arms have learned them by heart. So it has seen more labels than they have,
    those of the validation rows, and on these its own answers are no test; they are not tempered either. A case that
    one of the arms did not answer gets no answer. A class that no validation row has keeps the arms' mean probability.

    Source: Wolpert, *Stacked generalization*, Neural Networks 1992.

    over: the arms, two or more.
    c: inverse strength of the L2 penalty, fixed.
    balanced: classes weigh alike in the fit, as they do in the metric.
    """
    if isinstance(over, str) or len(over) < 2:
        raise ValueError(f"over must list two arms or more, however: over={over!r}")
    columns = [PROB + name for name in facts.schema.classes]

    def read(rows: pd.DataFrame) -> Floats:
        return told([facts.answers(arm, rows).set_index("case_id")[columns] for arm in over], rows)

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        inputs = read(val)
        answered = ~np.isnan(inputs).any(axis=(1, 2))
        codes = targets(val, facts.schema)[answered]
        model = fit_one(_flat(inputs[answered]), codes, c=c, balanced=balanced)
        unseen = [code for code in range(len(columns)) if code not in model.classes_]

        def predict(rows: pd.DataFrame) -> Floats:
            found = read(rows)
            there = ~np.isnan(found).any(axis=(1, 2))
            answer = np.full((len(rows), len(columns)), np.nan)
            if there.any():
                kept = np.exp(found[there]).mean(axis=1)
                stacked = np.zeros_like(kept)
                stacked[:, model.classes_] = model.predict_proba(_flat(found[there]))
                stacked *= 1 - kept[:, unseen].sum(axis=1, keepdims=True)
                stacked[:, unseen] = kept[:, unseen]
                answer[there] = stacked / stacked.sum(axis=1, keepdims=True)
            return answer

        return predict

    return fit


def told(tables: Sequence[pd.DataFrame], rows: pd.DataFrame) -> Floats:
    """(N, arms, C) log-probabilities of these rows; NaN where an arm has no answer. No target is read."""
    ids = pd.Index(list(rows.case_id))
    found = np.stack([table.reindex(ids).to_numpy(dtype=np.float64) for table in tables], axis=1)
    return np.asarray(np.log(np.clip(found, SMALLEST, None)))


def _flat(inputs: Floats) -> Floats:
    return np.asarray(inputs.reshape(len(inputs), -1))
