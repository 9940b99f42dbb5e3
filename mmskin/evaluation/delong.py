"""The AUC of one yes-no question, and the difference of two on the same cases, where patients have several cases.

DeLong, DeLong & Clarke-Pearson (Biometrics 1988) give the AUC its error without resampling, for independent cases.
Obuchowski (*Nonparametric analysis of clustered ROC curve data*, Biometrics 1997) sums their components by patient
first; with one case a patient the two are the same. An AUC is an average over pairs, so each positive has a component,
the share of the negatives that score below it, and each negative one, the share of the positives that score above it.

Intervals and p are those of the normal distribution. They want some ten patients on either side, and an AUC that is
not near 1: there an interval may pass 1, and the patient bootstrap of `differences` is the better answer.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.errors import DataError, first_of
from mmskin.evaluation.intervals import LEVEL
from mmskin.evaluation.metrics import Floats, Ints

HALF_WIDTH = NormalDist().inv_cdf(1 - LEVEL / 2)  # 1.96 standard errors


class AucEstimate(NamedTuple):
    """An AUC with its standard error and 95 % interval; NaN where there are too few patients to have one."""

    estimate: float
    standard_error: float
    low: float
    high: float


class AucDifference(NamedTuple):
    """The first AUC minus the second, with standard error, 95 % interval and two-sided p."""

    estimate: float
    standard_error: float
    low: float
    high: float
    p: float


def clustered_auc(
    positive: NDArray[np.bool_], score: Floats, patient_ids: pd.Series, *, fold: Ints | None = None
) -> AucEstimate:
    """The AUC of one arm.

    Args:
        positive: (N,), bool.
        score: (N,), any scale, or (S, N) of S training seeds, whose AUCs are averaged.
        patient_ids: (N,).
        fold: (N,); if given, the mean of the AUCs within folds, as for `metrics.within_folds`.

    Raises:
        DataError: a patient in several folds.
    """
    scores = np.atleast_2d(score)
    return AucEstimate(*_contrast(positive, scores, np.full(len(scores), 1 / len(scores)), patient_ids, fold))


def clustered_auc_difference(
    positive: NDArray[np.bool_], first: Floats, second: Floats, patient_ids: pd.Series, *, fold: Ints | None = None
) -> AucDifference:
    """The AUC of one arm minus that of another on the same cases.

    Args:
        positive: (N,), bool.
        first: (N,) or (S, N), scores of the first arm.
        second: (N,) or (S, N), of the second; the numbers of seeds may differ.
        patient_ids: (N,).
        fold: see `clustered_auc`.

    Returns:
        p is 1 for arms that do not differ at all; NaN for a difference whose standard error is 0 or not defined.

    Raises:
        DataError: a patient in several folds.
    """
    arms = np.atleast_2d(first), np.atleast_2d(second)
    weights = [np.full(len(arm), sign / len(arm)) for arm, sign in zip(arms, (1, -1), strict=True)]
    found = _contrast(positive, np.vstack(arms), np.concatenate(weights), patient_ids, fold)
    estimate, error = found[:2]
    p = math.erfc(abs(estimate) / error / math.sqrt(2)) if error > 0 else math.nan
    if estimate == 0 and error == 0:
        p = 1.0
    return AucDifference(*found, p)


def auc_covariance(positive: NDArray[np.bool_], scores: Floats, patients: Ints) -> tuple[Floats, Floats]:
    """(K,) AUCs of K scores and their (K, K) covariance (Obuchowski 1997, section 2).

    Args:
        positive: (N,), bool.
        scores: (K, N).
        patients: (N,), a number for each patient.

    Returns:
        AUCs, NaN without a positive or a negative; the covariance, NaN unless two patients have one of either.
    """
    above, below = scores[:, positive], scores[:, ~positive]
    not_defined = np.full((len(scores), len(scores)), np.nan)
    if not above.size or not below.size:
        return not_defined[0], not_defined
    of_positives = np.stack([_share_below(a, b) for a, b in zip(above, below, strict=True)])
    of_negatives = 1 - np.stack([_share_below(b, a) for a, b in zip(above, below, strict=True)])
    auc = of_positives.mean(axis=1)
    belongs = (patients[:, None] == np.unique(patients)).astype(np.float64)  # (N, P)
    with_positive, with_negative = (int(belongs[rows].any(axis=0).sum()) for rows in (positive, ~positive))
    if min(with_positive, with_negative) < 2:
        return auc, not_defined
    excess_positive = (of_positives - auc[:, None]) @ belongs[positive] / above.shape[1]  # (K, P)
    excess_negative = (of_negatives - auc[:, None]) @ belongs[~positive] / below.shape[1]
    covariance = _small_sample(with_positive) * excess_positive @ excess_positive.T
    covariance += _small_sample(with_negative) * excess_negative @ excess_negative.T
    between_sides = _small_sample(belongs.shape[1]) * excess_positive @ excess_negative.T
    return auc, covariance + between_sides + between_sides.T


def _small_sample(patients: int) -> float:
    """n / (n − 1): the mean that residuals are taken from was estimated from the same n patients."""
    return patients / (patients - 1)


def _share_below(values: Floats, others: Floats) -> Floats:
    """For each value the share of the others that lie below it, ties counting one half."""
    ordered = np.sort(others)
    at_or_below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    share: Floats = at_or_below / (2 * len(others))
    return share


def _contrast(
    positive: NDArray[np.bool_], scores: Floats, weights: Floats, patient_ids: pd.Series, fold: Ints | None
) -> tuple[float, float, float, float]:
    """Σ_k weight_k AUC_k with standard error and interval; folds have no patient in common, so variances add up."""
    patients = pd.factorize(patient_ids)[0].astype(np.int64)
    folds = np.zeros(len(patients), dtype=np.int64) if fold is None else fold
    _check_folds(patient_ids, folds)
    estimates, variances = [], []
    for rows in (folds == f for f in np.unique(folds)):
        auc, covariance = auc_covariance(positive[rows], scores[:, rows], patients[rows])
        if np.isfinite(auc).all():
            estimates.append(float(weights @ auc))
            variances.append(float(weights @ covariance @ weights))
    if not estimates:
        return math.nan, math.nan, math.nan, math.nan
    estimate = sum(estimates) / len(estimates)
    error = math.sqrt(max(sum(variances), 0.0)) / len(estimates)
    return estimate, error, estimate - HALF_WIDTH * error, estimate + HALF_WIDTH * error


def _check_folds(patient_ids: pd.Series, folds: Ints) -> None:
    places = pd.DataFrame({"patient": patient_ids.to_numpy(), "fold": folds}).drop_duplicates()
    torn = places["patient"][places["patient"].duplicated()].drop_duplicates()
    if len(torn):
        raise DataError(
            f"a patient may stand in one fold, however, {len(torn)} stand in several: {first_of(list(torn))}"
        )
