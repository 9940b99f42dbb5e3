"""Product of answers: what other arms have answered, multiplied, as if each were an expert on its own part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from mmskin.benchmark.baselines.table_arm_contract import Facts, Fit, calibrated, targets
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import PROB
from mmskin.trained.calibration import log_of
from mmskin.trained.trained_model import Predict


def product_of_answers(facts: Facts, *, over: Sequence[str], balanced: bool = True) -> Fit:
    """log p = log π + Σ (log p_m − log π), over the arms m: naive Bayes between the parts that they read.

    As `product_of_experts`, of arms that are there anyway. π is the prior under which they answer: equal for all
    classes where they weigh classes alike, as the balanced losses and table arms do, else the shares of the training
    rows. What two of the arms read counts twice. A temperature is fitted on the validation rows. A case that one of the
    arms did not answer gets no answer.

    Source: Hinton, *Training products of experts by minimizing contrastive divergence*, Neural Computation 2002; with
    the prior taken off as in naive Bayes.

    over: the arms, two or more.
    balanced: whether they weigh classes alike.
    """
    if isinstance(over, str) or len(over) < 2:
        raise ValueError(f"over must list two arms or more, however: over={over!r}")
    columns = [PROB + name for name in facts.schema.classes]

    def logs(arm: str, rows: pd.DataFrame) -> Floats:
        answers = facts.answers(arm, rows).set_index("case_id")[columns]
        return log_of(answers.reindex(pd.Index(list(rows.case_id))).to_numpy(dtype=np.float64))

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        # A class that no training row has counts as one row.
        counts = np.maximum(np.bincount(targets(train, facts.schema), minlength=len(columns)), 1)
        excess = 0.0 if balanced else (len(over) - 1) * np.log(counts / counts.sum())

        def predict(rows: pd.DataFrame) -> Floats:
            votes = np.sum([logs(arm, rows) for arm in over], axis=0)
            return np.asarray(np.exp(log_softmax(votes - excess, axis=1)))

        return calibrated(predict, val, facts.schema)

    return fit
