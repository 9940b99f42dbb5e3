"""Which recipe a search takes: the arm's own, unless another is better by more than one standard error.

Source: the one-standard-error rule of Breiman et al., *Classification and regression trees*, 1984, section 3.4.3. The
arm's own recipe stands where the rule has the simplest model, and the error is that of the paired difference: an inner
fold holds few cases of a rare class, and the lowest of twenty losses is low by luck.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.benchmark.baselines.table_arm_contract import balanced_log_loss
from mmskin.evaluation.metrics import Floats, Ints, log_probs
from mmskin.evaluation.predictions import probabilities, target_codes


class Chosen(NamedTuple):
    """What a search takes.

    trial: its number; 0 is the arm's own recipe.
    best: the trial with the lowest loss.
    gain, error: by how much its loss is below that of the arm's own recipe, and the standard error of that.
    """

    trial: int
    best: int
    gain: float
    error: float


def choose(answers: Mapping[int, pd.DataFrame]) -> Chosen:
    """The trial that is taken.

    Args:
        answers: by number of the trial, predictions of the same cases; 0 is there.
    """
    own = answers[0]
    losses = {number: loss_of(table) for number, table in answers.items()}
    best = min(losses, key=lambda number: losses[number])
    if best == 0:
        return Chosen(0, 0, 0.0, 0.0)
    gain, error = paired_gain(own, answers[best])
    return Chosen(best if gain > error else 0, best, gain, error)


def loss_of(table: pd.DataFrame) -> float:
    """Class-balanced log-loss of predictions: every class that occurs counts alike."""
    return balanced_log_loss(probabilities(table), target_codes(table))


def paired_gain(first: pd.DataFrame, second: pd.DataFrame) -> tuple[float, float]:
    """By how much the second's class-balanced log-loss is lower, and the standard error, patients as clusters.

    Within a class a case's part in the mean is its deviation from it; the parts of a patient's cases are added up.
    """
    second = second.set_index("case_id").loc[list(first.case_id)].reset_index()
    codes = target_codes(first)
    gained = _case_losses(first, codes) - _case_losses(second, codes)
    weights = _weights(codes)
    mean = pd.Series(gained).groupby(codes).transform("mean").to_numpy()
    of_patients = pd.Series(weights * (gained - mean)).groupby(first.patient_id.to_numpy()).sum()
    return float(gained @ weights), float(np.sqrt((of_patients**2).sum()))


def _case_losses(table: pd.DataFrame, codes: Ints) -> Floats:
    return np.asarray(-log_probs(probabilities(table))[np.arange(len(table)), codes])


def _weights(codes: Ints) -> Floats:
    """Of every case in a mean in which classes count alike."""
    _, place, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(counts) * counts[place]))
