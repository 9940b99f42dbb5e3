"""Logistic regression on fields, on frozen embeddings, or on both side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
from mmskin.data.table import histories
from mmskin.encoders.metadata_onehot import MetadataOneHot
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.features import Features
from mmskin.inputs.batch import stack_rows
from mmskin.trained.trained_model import Predict

PENALTIES = (0.0001, 0.001, 0.01, 0.1, 1.0)
Columns = Callable[[pd.DataFrame], Floats]


def logistic_regression(
    facts: Facts, *, on: str | Sequence[str] = FIELDS, c: Sequence[float] = PENALTIES, balanced: bool = True
) -> Fit:
    """Multinomial logistic regression with an L2 penalty on columns standardised on the training rows.

    Fields are one column a number (standard score; durations of log(1 + days)) and one a choice, 0 where not recorded
    (`MetadataOneHot`). Of an embedding every dimension is a column; where photo or note is absent it is at its mean.

    on: fields, text, a kind of photo (image where there is one), or several of them side by side.
    c: inverse strengths of the penalty; the one with the lowest class-balanced log-loss on the validation rows is
        taken. The same rows then give the temperature.
    balanced: classes weigh alike in the fit, as they do in the metric.
    """
    parts = choose_parts(on, facts.schema)

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        readers = [_columns(part, train, facts) for part in parts]

        def read(rows: pd.DataFrame) -> Floats:
            return np.concatenate([columns(rows) for columns in readers], axis=1)

        return calibrated(fit_linear(read, train, val, facts, c=c, balanced=balanced), val, facts.schema)

    return fit


def fit_linear(
    read: Columns, train: pd.DataFrame, val: pd.DataFrame, facts: Facts, *, c: Sequence[float], balanced: bool
) -> Predict:
    """The regression on given columns whose penalty suits the validation rows best."""
    inputs, codes = read(train), targets(train, facts.schema)
    val_inputs, val_codes = read(val), targets(val, facts.schema)
    size = len(facts.schema.classes)
    models = [fit_one(inputs, codes, c=strength, balanced=balanced) for strength in c]
    answers = [all_classes(model.predict_proba(val_inputs), model.classes_, size) for model in models]
    best = models[int(np.argmin([balanced_log_loss(answer, val_codes) for answer in answers]))]
    return lambda rows: all_classes(best.predict_proba(read(rows)), best.classes_, size)


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
