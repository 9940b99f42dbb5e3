"""How much a difference owes to the luck of training, so that its interval holds patients and training seeds.

The estimand is the mean over training seeds, given these folds and training patients. What other patients would
have taught is in no interval that one cross-validation can make.

With D̄ the mean over S seeds of the difference between two arms,

    Var(D̄) = Σ_arms Σ_folds s²_arm,fold / S + Cov

    s²_arm,fold   the variance of the metric when the model of that fold alone is swapped for those of the other seeds
    Cov           the covariance of D of one seed and D of another over resamples of the patients

which is the variance of Obuchowski and Rockette for readers and cases, with seeds for readers (*Hypothesis testing of
diagnostic accuracy for multiple readers and multiple tests*, Commun. Stat. Simul. 1995). The models of two folds and of
two arms are trained apart, so their parts add up; the degrees of freedom are Satterthwaite's (Biometrics 1946), S − 1
for each part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.evaluation.metrics import Floats

LEVEL_OF_ONE_SIDE = 0.975


class SwapVariance(NamedTuple):
    """Of one arm: the variances s² / S by fold, and the S − 1 degrees of freedom of each; () with one seed."""

    by_fold: tuple[float, ...]
    dof: int


def swap_variance(rows: pd.DataFrame, value: Callable[[pd.DataFrame], float]) -> SwapVariance:
    """What the models of the other seeds would have given, fold by fold.

    Args:
        rows: of one arm; every seed has the same cases.
        value: the metric of rows of one seed.
    """
    seeds = sorted(set(rows["seed"]))
    if len(seeds) < 2:
        return SwapVariance((), 0)
    # As rows of one seed, which they are to the metric once the model of a fold is swapped.
    first, *_ = by_seed = [rows[rows["seed"] == seed].assign(seed=0) for seed in seeds]
    variances = []
    for fold in sorted(set(rows["fold"])):
        rest = first[first["fold"] != fold]
        swapped = [value(pd.concat([rest, of[of["fold"] == fold]])) for of in by_seed]
        variances.append(float(np.var(swapped, ddof=1)) / len(seeds))
    return SwapVariance(tuple(variances), len(seeds) - 1)


def widening(by_seed: Floats, swaps: Sequence[SwapVariance]) -> float:
    """By how much resamples of patients are stretched for their interval to hold the luck of training too; 1 or more.

    Args:
        by_seed: (S, R) the difference in every resample, a row a seed; 1 row where nothing was trained twice.
        swaps: of both arms.
    """
    from scipy.special import ndtri, stdtrit  # a quarter of a second, which who mistypes need not wait

    parts = [(variance, swap.dof) for swap in swaps for variance in swap.by_fold if variance > 0]
    defined = by_seed[:, np.isfinite(by_seed).all(axis=0)]
    of_patients = float(defined.mean(axis=0).var(ddof=1)) if defined.shape[1] > 1 else 0.0
    if not parts or not of_patients > 0:
        return 1.0
    between = sum(variance for variance, _ in parts)
    whole = max(of_patients, between + _covariance(defined))
    dof = whole**2 / sum(variance**2 / dof for variance, dof in parts)
    return float(np.sqrt(whole / of_patients) * stdtrit(dof, LEVEL_OF_ONE_SIDE) / ndtri(LEVEL_OF_ONE_SIDE))


def _covariance(by_seed: Floats) -> float:
    """Of two different seeds, the mean over all pairs, at least 0."""
    seeds = len(by_seed)
    if seeds < 2:
        return float(by_seed.var(ddof=1))
    covariance = np.cov(by_seed)
    return max(0.0, float((covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1))))
