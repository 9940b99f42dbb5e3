"""Are two arms equally often right? Their answers are swapped patient by patient, and nothing else is assumed.

If the arms were interchangeable, each patient's answers of the one might as well have been the other's. So the
difference is computed for such swaps, and p is the share of swaps that give a difference as large as the one seen
(a paired permutation test; Good, *Permutation, parametric and bootstrap tests*, 2005). A patient's cases are swapped
together, for they are not independent. It asks a little more than whether the means are equal: arms of equal accuracy
that are right on different patients in different amounts are not interchangeable.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import Floats, Ints

MAX_EXACT = 14  # patients who make a difference, up to whom all 2^14 swaps are enumerated
CHUNK = 4_000_000  # signs held at once


class PermutationTest(NamedTuple):
    """The first minus the second share of right answers, the two-sided p, and whether every swap was enumerated."""

    estimate: float
    p: float
    is_exact: bool


def permutation_test(
    first: Floats | NDArray[np.bool_],
    second: Floats | NDArray[np.bool_],
    patient_ids: pd.Series,
    *,
    target: Ints | None = None,
    replicates: int = 10_000,
    seed: int = 0,
) -> PermutationTest:
    """Compare right and wrong answers of two arms on the same cases.

    Args:
        first: (N,), whether the first arm is right, or the share of its training seeds that are, in [0, 1].
        second: (N,), of the second arm.
        patient_ids: (N,).
        target: (N,) class codes; if given, classes count alike and the difference is that of balanced accuracy.
        replicates: random swaps, where there are too many to enumerate.
        seed: of the random swaps.

    Returns:
        Up to 14 patients on whom the arms differ, p is exact; beyond, (1 + swaps as far from 0) / (1 + replicates).

    Raises:
        ConfigError: replicates below 1.
    """
    if replicates < 1:
        raise ConfigError(f"replicates must be 1 or more, however: replicates={replicates}")
    weights = np.full(len(first), 1 / len(first)) if target is None else _class_weights(target)
    gain = weights * (np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64))
    by_patient = np.bincount(pd.factorize(patient_ids)[0], weights=gain)
    estimate = float(by_patient.sum())
    # Rounding must not part a swap from the data that it equals; a patient without difference swaps to the same.
    rounding = 1e-9 * float(np.abs(gain).sum())
    moving = by_patient[np.abs(by_patient) > rounding]
    is_exact = len(moving) <= MAX_EXACT
    if is_exact:
        swaps = (np.arange(2 ** len(moving))[:, None] >> np.arange(len(moving))) & 1
        as_far = np.abs((1 - 2 * swaps) @ moving) >= abs(estimate) - rounding
        return PermutationTest(estimate, float(as_far.mean()), is_exact)
    rng = np.random.default_rng(seed)
    found = 0
    for part in _parts(replicates, max(1, CHUNK // len(moving))):
        signs = 1 - 2 * rng.integers(0, 2, size=(part, len(moving)), dtype=np.int8)
        found += int((np.abs(signs @ moving) >= abs(estimate) - rounding).sum())
    return PermutationTest(estimate, (1 + found) / (1 + replicates), is_exact)


def _class_weights(target: Ints) -> Floats:
    """(N,) that make a sum over cases a mean over the classes of the means within them."""
    sizes = np.bincount(target)
    weights: Floats = 1 / ((sizes > 0).sum() * sizes[target])
    return weights


def _parts(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]
