"""The class that most training patients have, whatever the case: what any arm has to beat."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmskin.benchmark.baselines.table_arm_contract import Facts, Fit, targets
from mmskin.trained.trained_model import Predict


def majority(facts: Facts) -> Fit:
    """Every case gets the class shares of the training rows as its probabilities. Nothing else is fitted."""

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        counts = np.bincount(targets(train, facts.schema), minlength=len(facts.schema.classes))
        return lambda rows: np.tile(counts / counts.sum(), (len(rows), 1))

    return fit
