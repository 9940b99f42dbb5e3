"""Which fields are filled in, and nothing else: what a model gains by reading the clerk instead of the patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmskin.benchmark.baselines.logistic_regression import PENALTIES, fit_linear
from mmskin.benchmark.baselines.table_arm_contract import Facts, Fit, calibrated
from mmskin.evaluation.metrics import Floats
from mmskin.trained.trained_model import Predict


def flags_only(facts: Facts, *, c: Sequence[float] = PENALTIES, balanced: bool = True) -> Fit:
    """Logistic regression on one yes or no a field: recorded or not. No value is read.

    Of the fields that this fold's models may see: under `missingness: always_recorded` there is nothing in it to learn.
    "unknown" counts as recorded: somebody wrote it down.

    c: as of `logistic_regression`.
    balanced: classes weigh alike in the fit.
    """
    names = list(facts.schema.field_names)

    def recorded(rows: pd.DataFrame) -> Floats:
        return np.asarray(rows[names].notna().to_numpy(dtype=np.float64))

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        return calibrated(fit_linear(lambda _: recorded, train, val, facts, c=c, balanced=balanced), val, facts.schema)

    return fit
