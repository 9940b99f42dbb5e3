"""Product of experts: a logistic regression for each part of a case, multiplied: what a fusion has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax

from mmskin.benchmark.baselines.logistic_regression import Strengths, choose_penalty, fit_one, read_parts
from mmskin.benchmark.baselines.table_arm_contract import (
    FIELDS,
    Facts,
    Fit,
    all_classes,
    calibrated,
    choose_parts,
    targets,
)
from mmskin.evaluation.metrics import Floats
from mmskin.trained.trained_model import Predict


def product_of_experts(facts: Facts, *, of: Sequence[str], c: Strengths = "cv", balanced: bool = True) -> Fit:
    """log p = log π + Σ (log p_m − log π), over the parts m that a case has: naive Bayes between the parts.

    p_m is a logistic regression on that part alone, as `logistic_regression` makes it; π the prior under which they
    were fitted, equal for all classes where they are balanced, else the shares of the training rows. A part that is
    absent says nothing: its term is left out. A temperature is fitted on the validation rows.

    Source: Hinton, *Training products of experts by minimizing contrastive divergence*, Neural Computation 2002; with
    the prior taken off as in naive Bayes.

    of: two or more of fields, text, and kinds of photo (image where there is one).
    c: as of `logistic_regression`, chosen for each part by itself.
    balanced: classes weigh alike in the fit, as they do in the metric.
    """
    parts = choose_parts(of, facts.schema)
    if len(parts) < 2:
        raise ValueError(f"of must name two parts or more, however: of={of!r}")

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        codes = targets(train, facts.schema)
        known, counts = np.unique(codes, return_counts=True)
        log_prior = np.full(len(known), -np.log(len(known))) if balanced else np.log(counts / counts.sum())
        experts = [_expert(part, train, val, facts, c=c, balanced=balanced) for part in parts]

        def predict(rows: pd.DataFrame) -> Floats:
            votes = [
                np.where(is_there(part, rows, facts)[:, None], expert(rows) - log_prior, 0.0)
                for part, expert in zip(parts, experts, strict=True)
            ]
            joint = log_softmax(log_prior + np.sum(votes, axis=0), axis=1)
            return all_classes(np.exp(joint), known.tolist(), len(facts.schema.classes))

        return calibrated(predict, val, facts.schema)

    return fit


def is_there(part: str, rows: pd.DataFrame, facts: Facts) -> NDArray[np.bool_]:
    """(N,) bool: whether a case has the part; of the fields, whether one is recorded."""
    if part == FIELDS:
        return np.asarray(rows[list(facts.schema.field_names)].notna().to_numpy().any(axis=1))
    return np.asarray(~np.isnan(facts.embed(part, rows)).any(axis=1))


def _expert(
    part: str, train: pd.DataFrame, val: pd.DataFrame, facts: Facts, *, c: Strengths, balanced: bool
) -> Callable[[pd.DataFrame], Floats]:
    """(N, known classes) log-probabilities of one part's regression."""
    read = read_parts((part,), train, facts)
    strength = choose_penalty(lambda rows: read_parts((part,), rows, facts), train, val, facts, c=c, balanced=balanced)
    model = fit_one(read(train), targets(train, facts.schema), c=strength, balanced=balanced)
    return lambda rows: np.asarray(model.predict_log_proba(read(rows)))
