"""Averaging: the mean of what other arms have answered, or one arm with every seed: an ensemble that trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from mmskin.benchmark.baselines.table_arm_contract import Facts, Fit, targets
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import PROB
from mmskin.trained.calibration import at_temperature, fit_temperature, log_of
from mmskin.trained.trained_model import Predict

Seeds = Literal["own", "all"]


def averaging(facts: Facts, *, over: Sequence[str], seeds: Seeds = "own") -> Fit:
    """The mean of the probabilities of other arms on the same fold, at the temperature that suits the validation rows.

    Nothing but the temperature is fitted. A case that one of the arms did not answer gets no answer.

    over: the arms; one alone makes sense with all its seeds.
    seeds: "own", each arm with the seed of the cell; "all", each arm with every seed it was trained with, which makes a
        seed ensemble of cells that are there anyway. Such an arm is run once, and is not asked with parts missing or
        with corrupted photos: of its arms only the first seed is.
    """
    if isinstance(over, str) or not over:
        raise ValueError(f"over must list one arm or more, however: over={over!r}")
    if seeds not in ("own", "all"):
        raise ValueError(f'seeds must be "own" or "all", however: {seeds!r}')
    if seeds == "own" and len(over) < 2:
        raise ValueError('one arm with its own seed is that arm: list two arms or more, or set seeds to "all"')
    columns = [PROB + name for name in facts.schema.classes]

    def read(rows: pd.DataFrame) -> Floats:
        ids = pd.Index(list(rows.case_id))
        # Rows of several seeds stand one below the other.
        by_arm = [facts.answers(arm, rows).groupby("case_id")[columns].mean().reindex(ids) for arm in over]
        return np.asarray(np.mean([answers.to_numpy(dtype=np.float64) for answers in by_arm], axis=0))

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        mean = read(val)
        answered = ~np.isnan(mean).any(axis=1)
        temperature = fit_temperature(log_of(mean[answered]), targets(val, facts.schema)[answered])
        return lambda rows: at_temperature(log_of(read(rows)), temperature)

    return fit
