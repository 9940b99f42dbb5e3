"""Experts as logistic regressions: fitted to the training rows before the fusion is trained, and fixed from then on.

On hundreds of cases the convex fit with a penalty chosen inside the training rows is hard to beat by gradient descent
on the same frozen features. A fusion that corrects such experts starts from the product of the best parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmskin.data.splits import inner_folds
from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.fusion.experts import Experts
from mmskin.inputs.batch import collate
from mmskin.inputs.dataset import CaseDataset
from mmskin.model.classifier import MultimodalClassifier
from mmskin.training.expert_weights import class_weights, experts_of

PENALTIES = (0.0001, 0.001, 0.01, 0.1, 1.0)
NEVER = -30.0  # the logit of a class without training cases: no case is given it


def fit_regressions(model: MultimodalClassifier, cases: CaseDataset, train: pd.DataFrame) -> bool:
    """Fit every expert, in place, to the training cases that have its modality; nothing if they learn otherwise.

    A class counts as much as the loss lets it count: the rows are weighted to the prior of the fusion.

    Args:
        model: whose encoders and norms are read.
        cases: the training cases in their plain view, nothing hidden.
        train: their table, in the same order; its patients are never on both sides when the penalty is chosen.

    Returns:
        Whether they were fitted.

    Raises:
        ConfigError: what the experts read is learned.
    """
    experts = experts_of(model)
    if experts is None or experts.fit_by != "regression":
        return False
    if model.photo_pooling is not None:
        raise ConfigError("fit_by=regression fits experts before the training, in which photo_pooling=attention learns")
    for modality in experts.modalities:
        if model.encoders[modality].pooled_learns:
            raise ConfigError(
                f"fit_by=regression fits experts before the training, however the {modality} encoder learns in it: set "
                f"encoders.{modality}.trainable=none (of field tokens pooled=columns), or fit_by=gradient"
            )
    pooled, present, target = _read(model, experts, cases)
    fold = train.case_id.map(inner_folds(train)).to_numpy(dtype=np.int64)
    counts = torch.bincount(torch.as_tensor(target), minlength=len(model.fusion.log_prior))
    weights = class_weights(model.fusion.log_prior, counts).double().numpy()
    for modality in experts.modalities:
        there = present[modality]
        rows, codes, of_case = pooled[modality][there], target[there], weights[target[there]]
        strength = choose_strength(rows, codes, of_case, fold[there])
        put(_regression(rows, codes, of_case, strength), experts.heads[modality][-1])  # type: ignore[index]
    return True


def choose_strength(rows: Floats, codes: Ints, weights: Floats, fold: NDArray[Any]) -> float:
    """The inverse strength of the penalty with the lowest weighted log-loss on held-out rows, each held out once.

    Args:
        rows: (N, D).
        codes: (N,) class index.
        weights: (N,).
        fold: (N,), equal for all rows of a patient.
    """
    lost = np.zeros(len(PENALTIES))
    for held in (fold == number for number in np.unique(fold)):
        for place, strength in enumerate(PENALTIES):
            model = _regression(rows[~held], codes[~held], weights[~held], strength)
            answers = dict(zip(model.classes_, model.predict_log_proba(rows[held]).T, strict=True))
            own = [answers[code][row] if code in answers else NEVER for row, code in enumerate(codes[held])]
            lost[place] -= float(np.dot(weights[held], own))
    return PENALTIES[int(lost.argmin())]


@torch.no_grad()
def put(model: LogisticRegression, head: nn.Linear) -> None:
    """Write a fitted regression into a linear layer, (D,) → (C,)."""
    head.weight.zero_()
    head.bias.fill_(NEVER)
    coefficients, intercepts, known = model.coef_, model.intercept_, list(model.classes_)
    if len(known) == 2:  # one row, for the second class against the first
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([np.zeros_like(intercepts), intercepts])
    head.weight[known] = torch.as_tensor(coefficients, dtype=head.weight.dtype)
    head.bias[known] = torch.as_tensor(intercepts, dtype=head.bias.dtype)


def _regression(rows: Floats, codes: Ints, weights: Floats, strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=5000).fit(rows, codes, sample_weight=weights)


@torch.no_grad()
def _read(
    model: MultimodalClassifier, experts: Experts, cases: CaseDataset
) -> tuple[dict[str, Floats], dict[str, Ints], Ints]:
    """By modality pooled vectors (N, D) as the expert's linear layer reads them and (N,) bool who has it; targets."""
    was_training = model.training
    model.eval()
    parts: list[tuple[dict[str, Tensor], dict[str, Tensor], Tensor]] = []
    for batch in DataLoader(cases, 64, collate_fn=collate):
        features, present = model.encode(batch)
        read = features if experts is not getattr(model.fusion, "experts", None) else model.narrow(features)
        norms = {m: experts.heads[m][0](read[m].pooled) for m in experts.modalities}  # type: ignore[index]
        parts.append((norms, present, batch.target))
    model.train(was_training)
    return (
        {m: _joined([rows[m] for rows, _, _ in parts]).astype(np.float64) for m in experts.modalities},
        {m: _joined([there[m] for _, there, _ in parts]) for m in experts.modalities},
        _joined([target for _, _, target in parts]),
    )


def _joined(parts: Sequence[Tensor]) -> NDArray[Any]:
    return torch.cat(list(parts)).cpu().numpy()
