"""Fields and frozen embeddings as the columns that general learners for tables take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from mmskin.benchmark.baselines.table_arm_contract import FIELDS, Facts, field_columns
from mmskin.evaluation.metrics import Floats


class Columns(NamedTuple):
    """read: rows → (N, D), NaN where a field is not recorded. is_code: which columns are codes of choices."""

    read: Callable[[pd.DataFrame], Floats]
    is_code: tuple[bool, ...]


def fit_columns(parts: Sequence[str], train: pd.DataFrame, facts: Facts, *, pca: int) -> Columns:
    """Columns of several parts side by side.

    Args:
        parts: fields, or modalities with an encoder.
        train: to which principal components are fitted.
        facts: of the arm.
        pca: principal components of each embedding, at most; where photo or note is absent they are 0, the mean.
    """
    read: list[Callable[[pd.DataFrame], Floats]] = []
    is_code: list[bool] = []
    for part in parts:
        if part == FIELDS:
            read.append(lambda rows: field_columns(rows, facts.schema)[0])
            is_code += field_columns(train[:1], facts.schema)[1]
        else:
            components = _components(part, train, facts, pca=pca)
            read.append(components)
            is_code += [False] * components(train[:1]).shape[1]
    return Columns(lambda rows: np.concatenate([of(rows) for of in read], axis=1), tuple(is_code))


def filled(columns: Columns, train: pd.DataFrame) -> Columns:
    """The same without NaN: the median of a number and the commonest choice of training rows, and nothing that tells.

    A column that no training row has is 0.
    """
    found = columns.read(train)
    fill = np.array([_fill(of, is_code=code) for of, code in zip(found.T, columns.is_code, strict=True)])

    def read(rows: pd.DataFrame) -> Floats:
        values = columns.read(rows)
        return np.where(np.isnan(values), fill, values)

    return columns._replace(read=read)


def _fill(column: Floats, *, is_code: bool) -> float:
    there = column[~np.isnan(column)]
    if not len(there):
        return 0.0
    if not is_code:
        return float(np.median(there))
    values, counts = np.unique(there, return_counts=True)
    return float(values[np.argmax(counts)])


def _components(modality: str, train: pd.DataFrame, facts: Facts, *, pca: int) -> Callable[[pd.DataFrame], Floats]:
    vectors = facts.embed(modality, train)
    there = vectors[~np.isnan(vectors).any(axis=1)]
    fitted = PCA(min(pca, *there.shape), svd_solver="full").fit(there)

    def read(rows: pd.DataFrame) -> Floats:
        found = facts.embed(modality, rows)
        absent = np.isnan(found).any(axis=1, keepdims=True)
        return np.asarray(np.where(absent, 0.0, fitted.transform(np.where(absent, fitted.mean_, found))))

    return read
