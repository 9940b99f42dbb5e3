"""How well one column of the table tells the class by itself, on patients it was not fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from mmskin.audit.counts import suffice
from mmskin.audit.held_out import (
    UNDEFINED,
    Auroc,
    Bools,
    HeldOut,
    Reading,
    Values,
    auroc_replicates,
    out_of_fold,
    summarized,
)
from mmskin.evaluation.metrics import Floats, binary_auroc
from mmskin.schema import Schema

MOST_CODES = 10  # a column of numbers with at most so many values may hold codes: it is read as categories

LEAVES, LEAF_CASES = 8, 5  # of the small tree: seven cuts, none for fewer than five cases


class Told(NamedTuple):
    """What a column tells of one question.

    read_as: "categories", "number" or "tree"; of the readings of a number the one with the higher estimate is kept.
    n, positives, patients: of the rows in which the column holds something.
    """

    read_as: str
    auroc: Auroc
    n: int
    positives: int
    patients: int


def questions(held_out: HeldOut, schema: Schema) -> dict[str, Bools]:
    """Who is on the positive side, by name: each class against the rest, each class group against the others."""
    groups = {name: tuple(members) for name, members in schema.class_groups.items()}
    return {name: held_out.is_class(*members) for name, members in ({c: (c,) for c in schema.classes} | groups).items()}


def tell(column: pd.Series, positive: Bools, *, held_out: HeldOut) -> Told:
    """AUROC of one column for one question, in the rows in which it holds something.

    Undefined (NaN) where either side has too few cases or patients; see `counts.RULE`.

    Args:
        column: (N,) of the held-out cases. Numbers are read as they are, turned the way that fits, and by a small
            tree, so that a relation need not be monotone; anything else as categories.
        positive: (N,).
        held_out: the cases.
    """
    rows = column.notna().to_numpy(dtype=bool)
    side = positive[rows]
    patient = held_out.cases.patient_id[rows]
    size = (len(side), int(side.sum()), patient.nunique())
    readings = _readings(column[rows])
    if not (suffice(patient[side]) and suffice(patient[~side])):
        return Told(next(iter(readings)), UNDEFINED, *size)
    found = []
    for name, (read, values) in readings.items():
        score = out_of_fold(read, values, side, fold=held_out.fold[rows])
        replicates = auroc_replicates(score, side, held_out=held_out, rows=rows)
        found.append(Told(name, summarized(replicates), *size))
    return max(found, key=lambda told: told.auroc.auroc)


def is_categorical(cells: pd.Series) -> bool:
    """Whether a column is read as categories: not all are numbers, or they take at most `MOST_CODES` values."""
    return _as_numbers(cells.tolist()) is None


def _readings(cells: pd.Series) -> Mapping[str, tuple[Reading, Values]]:
    numbers = _as_numbers(cells.tolist())
    if numbers is None:
        return {"categories": (share_of_category, cells.astype(str).to_numpy(dtype=object))}
    return {"number": (turned, numbers), "tree": (share_of_leaf, numbers)}


def _as_numbers(cells: Sequence[object]) -> Floats | None:
    """The cells as numbers, if all of them are and they take more than a few values."""
    try:
        numbers = np.array([float(str(cell)) for cell in cells])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() and len(np.unique(numbers)) > MOST_CODES else None


def share_of_category(fitted: Values, positive: Bools, scored: Values) -> Floats:
    """The share of positives among the cases of the same value, one case at the overall share added.

    A one-hot logistic regression without intercept gives the same ranking; a value never seen scores the overall share.
    """
    overall = positive.mean()
    counts = pd.Series(positive, dtype=float).groupby(fitted).agg(["sum", "size"])
    share = (counts["sum"] + overall) / (counts["size"] + 1)
    return pd.Series(scored).map(share).fillna(overall).to_numpy(dtype=np.float64)


def turned(fitted: Values, positive: Bools, scored: Values) -> Floats:
    """The number itself, or its negative where positives have the lower ones."""
    return np.asarray(scored if binary_auroc(positive, fitted) >= 0.5 else -scored, dtype=np.float64)


def share_of_leaf(fitted: Values, positive: Bools, scored: Values) -> Floats:
    """The share of positives in the leaf of a small tree, sides weighted alike so that rare classes get their cuts."""
    tree = DecisionTreeClassifier(
        max_leaf_nodes=LEAVES, min_samples_leaf=LEAF_CASES, class_weight="balanced", random_state=0
    )
    probs = tree.fit(fitted[:, None], positive).predict_proba(scored[:, None])
    return np.asarray(probs[:, 1], dtype=np.float64)
