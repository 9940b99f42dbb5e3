"""AUROC of scores on patients to whom they were not fitted, with its interval over patients.

Every reading of a column and every probe of an embedding is judged here, in the same folds and resamples. Where nothing
is told the estimate lies a little below .5, as what one fold has too many of the others have too few.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.data.splits import make_folds
from mmskin.evaluation.intervals import CHUNK, Resamples, draw_patients, interval
from mmskin.evaluation.metrics import Floats, Ints, binary_auroc, mean_defined

FOLDS = 5
REPLICATES = 1000

Bools = NDArray[np.bool_]
Values = NDArray[Any]
Reading = Callable[[Values, Bools, Values], Floats]
"""(values to fit to, which of them are positive, values to score) → scores, higher for the positive side."""


class HeldOut(NamedTuple):
    """The labelled cases of a table, in folds and in resamples of their patients.

    cases: (N,) rows, as in `Cases`.
    fold: (N,), whole patients, lesions and photos; see `make_folds`.
    resamples: of the patients of these cases.
    """

    cases: pd.DataFrame
    fold: Ints
    resamples: Resamples

    def is_class(self, *names: str) -> Bools:
        """(N,) whose class is one of these."""
        return self.cases.target.isin(names).to_numpy(dtype=bool)


class Auroc(NamedTuple):
    """An estimate and its 95 % interval; all NaN where undefined."""

    auroc: float
    low: float
    high: float


UNDEFINED = Auroc(float("nan"), float("nan"), float("nan"))


def hold_out(table: pd.DataFrame, *, replicates: int = REPLICATES, seed: int = 0) -> HeldOut:
    """Labelled cases in five folds.

    Args:
        table: as in `Cases`; cases without target are left out.
        replicates: resamples of the patients, 1 or more.
        seed: of folds and resamples.

    Raises:
        DataError: there are fewer groups of patients than folds.
    """
    cases = table[table.target.notna()].reset_index(drop=True)
    fold = np.asarray(make_folds(cases, k=FOLDS, seed=seed), dtype=np.int64)
    return HeldOut(cases, fold, draw_patients(cases.patient_id, replicates=replicates, seed=seed))


def out_of_fold(read: Reading, values: Values, positive: Bools, *, fold: Ints) -> Floats:
    """(n,) the score of every row by the reading fitted to the other folds; NaN where these lack one of the sides."""
    scores = np.full(len(positive), np.nan)
    for number in np.unique(fold):
        fitted = fold != number
        if len(set(positive[fitted])) == 2:
            scores[~fitted] = read(values[fitted], positive[fitted], values[~fitted])
    return scores


def auroc_replicates(score: Floats, positive: Bools, *, held_out: HeldOut, rows: Bools, within: bool = True) -> Floats:
    """(1 + R,) AUROC in the data and in every resample.

    Args:
        score: (n,) of some of the cases; NaN is left out.
        positive: (n,) the side that should score higher.
        held_out: all N cases.
        rows: (N,) which n of them.
        within: the mean over folds, as scores of different fits need not be on one scale; else of all rows together,
            for scores that were not fitted.
    """
    patient = held_out.cases.patient_id[rows]
    fold = held_out.fold[rows] if within else np.zeros(len(score), dtype=np.int64)
    parts = [part for number in np.unique(fold) if (part := (fold == number) & np.isfinite(score)).any()]
    if not parts:
        return np.full(len(held_out.resamples.counts), np.nan)
    size = max(1, CHUNK // max(1, len(score)))
    values = []
    for start in range(0, len(held_out.resamples.counts), size):
        weights = held_out.resamples.weights(patient, part=slice(start, start + size))
        by_fold = [binary_auroc(positive[part], score[part], weights[:, part]) for part in parts]
        values.append(mean_defined(np.stack(by_fold), axis=0))
    return np.concatenate(values)


def summarized(values: Floats) -> Auroc:
    """The estimate and its interval from (1 + R,) values, the data first."""
    return Auroc(float(values[0]), *interval(values))
