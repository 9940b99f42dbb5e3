"""Exact intervals for counts, above all for none of n, where resampling says nothing.

A bootstrap of 0 errors in 50 cases gives the interval [0, 0]. Clopper & Pearson (*The use of confidence or fiducial
limits illustrated in the case of the binomial*, Biometrika 1934) ask instead which shares could have given this count:
for 0 of 50 those up to .071. It covers at least 95 % whatever the share, and wants independent cases: several of one
patient are first made one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

from mmskin.errors import DataError
from mmskin.evaluation.intervals import COVERAGE


class Proportion(NamedTuple):
    """k of n with the exact 95 % interval of the share; NaN for n = 0."""

    k: int
    n: int
    low: float
    high: float


def exact_interval(k: int, n: int) -> Proportion:
    """The Clopper-Pearson interval of k of n independent cases.

    Raises:
        DataError: k outside of [0, n].
    """
    if not 0 <= k <= n:
        raise DataError(f"k must lie in [0, n], however: k={k}, n={n}")
    if n == 0:
        return Proportion(0, 0, float("nan"), float("nan"))
    found = binomtest(k, n).proportion_ci(confidence_level=COVERAGE, method="exact")
    return Proportion(k, n, float(found.low), float(found.high))


def one_per_patient(errors: NDArray[np.bool_], patient_ids: pd.Series) -> Proportion:
    """Patients with an error among all patients, so that the exact interval may be given for cases in clusters.

    A patient counts as an error if any of their cases is one. That is the careful side: the share is never below that
    of the cases of a patient drawn at random, and more cases a patient make it larger.

    Args:
        errors: (N,), bool, one entry a case; for a claim about melanomas, the cases that are melanomas.
        patient_ids: (N,).
    """
    by_patient = pd.Series(errors).groupby(patient_ids.to_numpy(dtype=object)).any()
    return exact_interval(int(by_patient.sum()), len(by_patient))
