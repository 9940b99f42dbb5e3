"""Logistic regression on fields, on frozen embeddings, or on both side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression

from mmskin.benchmark.baselines.table_arm_contract import (
    FIELDS,
    Facts,
    Fit,
    all_classes,
    balanced_log_loss,
    calibrated,
    choose_parts,
    targets,
)
from mmskin.data.splits import inner_folds
from mmskin.data.table import histories
from mmskin.encoders.metadata_onehot import MetadataOneHot
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.features import Features
from mmskin.inputs.batch import stack_rows
from mmskin.trained.trained_model import Predict

Columns = Callable[[pd.DataFrame], Floats]
Strengths = float | Sequence[float] | Literal["cv"]

PENALTIES = (0.0001, 0.001, 0.01, 0.1, 1.0)
"""Inverse strengths of the penalty that are tried unless others are named."""


def logistic_regression(
    facts: Facts, *, on: str | Sequence[str] = FIELDS, c: Strengths = PENALTIES, balanced: bool = True
) -> Fit:
    """Multinomial logistic regression with an L2 penalty on columns standardised on the training rows.

    Fields are one column a number (standard score; durations of log(1 + days)) and one a choice, 0 where not recorded
    (`MetadataOneHot`). Of an embedding every dimension is a column; where photo or note is absent it is at its mean.

    on: fields, text, a kind of photo (image where there is one), or several of them side by side.
    c: inverse strength of the penalty; of several the one with the lowest class-balanced log-loss on the validation
        rows is taken. "cv": the default ones, chosen by five-fold cross-validation inside the training rows, patients
        never on both sides. The validation rows give the temperature either way.
    balanced: classes weigh alike in the fit, as they do in the metric.
    """
    parts = choose_parts(on, facts.schema)
    check_strengths(c)

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        def fit_columns(rows: pd.DataFrame) -> Columns:
            return read_parts(parts, rows, facts)

        return calibrated(fit_linear(fit_columns, train, val, facts, c=c, balanced=balanced), val, facts.schema)

    return fit


def check_strengths(c: Strengths) -> None:
    """Raises:
    ValueError: a word other than "cv", or no strength at all.
    """
    if (isinstance(c, str) and c != "cv") or not c:
        raise ValueError(f'c must be a number, numbers such as [0.01, 0.1], or "cv", however: {c!r}')


def read_parts(parts: Sequence[str], train: pd.DataFrame, facts: Facts) -> Columns:
    """Columns of several parts side by side, standardised on these rows."""
    readers = [_columns(part, train, facts) for part in parts]
    return lambda rows: np.concatenate([columns(rows) for columns in readers], axis=1)


def fit_linear(
    fit_columns: Callable[[pd.DataFrame], Columns],
    train: pd.DataFrame,
    val: pd.DataFrame,
    facts: Facts,
    *,
    c: Strengths,
    balanced: bool,
) -> Predict:
    """The regression whose penalty suits unseen rows best.

    Args:
        fit_columns: training rows → what reads columns of any rows.
        train: to fit to.
        val: to choose the penalty by, unless that is done inside the training rows.
        facts: of the arm.
        c: as of `logistic_regression`.
        balanced: as of `logistic_regression`.
    """
    read, size = fit_columns(train), len(facts.schema.classes)
    strength = choose_penalty(fit_columns, train, val, facts, c=c, balanced=balanced)
    best = fit_one(read(train), targets(train, facts.schema), c=strength, balanced=balanced)
    return lambda rows: all_classes(best.predict_proba(read(rows)), best.classes_, size)


def choose_penalty(
    fit_columns: Callable[[pd.DataFrame], Columns],
    train: pd.DataFrame,
    val: pd.DataFrame,
    facts: Facts,
    *,
    c: Strengths,
    balanced: bool,
) -> float:
    """The strength with the lowest class-balanced log-loss, on the validation rows or on held-out training rows."""
    strengths = PENALTIES if isinstance(c, str) else (c,) if isinstance(c, float | int) else tuple(c)
    if len(strengths) == 1:
        return strengths[0]
    parts = [(train, val)]
    if c == "cv":
        fold = train.case_id.map(inner_folds(train))
        parts = [(train[fold != k], train[fold == k]) for k in sorted(set(fold))]
    answers = [_answers(fit_columns, *part, facts, c=strengths, balanced=balanced) for part in parts]
    codes = targets(pd.concat([held for _, held in parts]), facts.schema)
    lost = [balanced_log_loss(found, codes) for found in np.concatenate(answers, axis=1)]
    return strengths[int(np.argmin(lost))]


def _answers(
    fit_columns: Callable[[pd.DataFrame], Columns],
    train: pd.DataFrame,
    held: pd.DataFrame,
    facts: Facts,
    *,
    c: Sequence[float],
    balanced: bool,
) -> Floats:
    """(strengths, N, C) what regressions of every strength, fitted to some rows, answer of others."""
    rows, asked = train.reset_index(drop=True), held.reset_index(drop=True)
    read, size = fit_columns(rows), len(facts.schema.classes)
    inputs, codes, asked_inputs = read(rows), targets(rows, facts.schema), read(asked)
    models = [fit_one(inputs, codes, c=strength, balanced=balanced) for strength in c]
    return np.stack([all_classes(model.predict_proba(asked_inputs), model.classes_, size) for model in models])


def fit_one(inputs: Floats, codes: Ints, *, c: float, balanced: bool) -> LogisticRegression:
    model = LogisticRegression(C=c, class_weight="balanced" if balanced else None, max_iter=5000)
    return model.fit(inputs, codes)


def _columns(part: str, train: pd.DataFrame, facts: Facts) -> Columns:
    if part != FIELDS:
        return _standardised(lambda rows: facts.embed(part, rows), train)
    encoder = MetadataOneHot(facts.schema, standardize=True)
    encoder.fit(histories(train, facts.schema))

    def one_hot(rows: pd.DataFrame) -> Floats:
        inputs = stack_rows([encoder.prepare(history) for history in histories(rows, facts.schema)])
        assert not isinstance(inputs, Features)
        with torch.inference_mode():
            return np.asarray(encoder(inputs).pooled.double().numpy())

    return one_hot


def _standardised(read: Columns, train: pd.DataFrame) -> Columns:
    """Mean 0 and deviation 1 in the training rows; a constant column stays 0, and so does what is absent."""
    inputs = read(train)
    mean, deviation = np.nanmean(inputs, axis=0), np.nanstd(inputs, axis=0)
    scale = np.where(deviation > 1e-9, deviation, 1.0)
    return lambda rows: np.nan_to_num((read(rows) - mean) / scale, nan=0.0)
