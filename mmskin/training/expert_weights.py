"""Weights of experts found where no expert has been trained: on validation rows, after the training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.optimize import minimize
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from mmskin.evaluation.metrics import Floats
from mmskin.fusion.experts import Experts
from mmskin.inputs.batch import collate
from mmskin.model.classifier import MultimodalClassifier
from mmskin.trained.trained_model import BATCH_SIZE, TrainedModel

PULL = 2.0
"""Cases' worth of pull of every weight towards 1: its square deviation counts as much as this many cases' log-loss. A
guess: on 250 rows it moves a weight that the rows leave open, and hardly one on which they agree."""


class Said(NamedTuple):
    """What a trained model says of N cases, taken apart.

    log_posteriors: (N, C) by modality, of the experts.
    present: (N,) bool by modality.
    correction: (N, C), what the fusion adds; None where there is none.
    target: (N,) class index.
    """

    log_posteriors: dict[str, Tensor]
    present: dict[str, Tensor]
    correction: Tensor | None
    target: Tensor


def find_weights(trained: TrainedModel, val: pd.DataFrame) -> None:
    """Set the weights of a model's experts, and the strength of its gate, in place, if they come from validation rows.

    An expert that has learned its training rows by heart, as a fine-tuned CNN does, looks better there than it is: a
    weight learned on them trusts it too much. What is minimised here is the log-loss of the answer, each class weighted
    so that the rows have the prior under which the experts were trained, with a small pull towards 1. There are as
    many numbers to find as experts, and one for the gate.

    Args:
        trained: not yet calibrated.
        val: rows with a known class; nothing changes if there are none.
    """
    experts = experts_of(trained.model)
    if experts is None or experts.weights_from != "validation" or not len(val):
        return
    said = _said(trained, val)
    log_prior = trained.model.fusion.log_prior
    counts = torch.tensor(trained.record["class_counts"])
    weights = (log_prior.exp() / (counts / counts.sum())).where(counts > 0, 0.0)
    found, strength = fitted_weights(experts, said, log_prior=log_prior, class_weights=weights)
    with torch.no_grad():
        for modality, weight in found.items():
            experts.weights[modality].fill_(weight)
        if trained.model.correction is not None:
            trained.model.correction.gate.mul_(strength)


def experts_of(model: MultimodalClassifier) -> Experts | None:
    """The experts that the fusion corrects, or that it is made of."""
    found = getattr(model.fusion, "experts", None) if model.correction is None else model.correction.experts
    return found if isinstance(found, Experts) else None


def fitted_weights(
    experts: Experts, said: Said, *, log_prior: Tensor, class_weights: Tensor
) -> tuple[dict[str, float], float]:
    """By modality the weight, and the strength of the correction, that suit these cases best; none below 0.

    Args:
        experts: whose product is formed; their own weights are not read.
        said: of cases on which nothing was trained.
        log_prior: (C,), under which the experts are posteriors.
        class_weights: (C,), of a case of each class.
    """
    of_case = class_weights[said.target].double()
    names = experts.modalities

    def loss(values: Floats) -> tuple[float, Floats]:
        theta = torch.tensor(values, requires_grad=True)
        weights = dict(zip(names, theta, strict=False))
        logits = experts.product(said.log_posteriors, said.present, log_prior=log_prior, weights=weights)
        if said.correction is not None:
            logits = logits + theta[-1] * said.correction
        per_case = F.cross_entropy(logits.double(), said.target, reduction="none")
        total = (of_case * per_case).sum() / of_case.sum() + PULL * (theta - 1).square().sum() / len(of_case)
        (gradient,) = torch.autograd.grad(total, theta)
        return total.item(), np.asarray(gradient)

    start = np.ones(len(names) + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(start)).x
    return dict(zip(names, found.tolist(), strict=False)), float(found[-1])


@torch.no_grad()
def _said(trained: TrainedModel, val: pd.DataFrame) -> Said:
    model = trained.model
    dataset = trained.dataset(val)
    parts: list[Said] = []
    for batch in DataLoader(dataset, batch_size=BATCH_SIZE, collate_fn=collate):
        output = model(batch)
        logits: Mapping[str, Tensor] = output.expert_logits or output.branch_logits or {}
        posteriors = {m: model.fusion.log_posterior(of).double() for m, of in logits.items()}
        parts.append(Said(posteriors, batch.present, output.correction, batch.target))
    corrections = [part.correction for part in parts if part.correction is not None]
    return Said(
        {m: torch.cat([part.log_posteriors[m] for part in parts]) for m in parts[0].log_posteriors},
        {m: torch.cat([part.present[m] for part in parts]) for m in parts[0].present},
        torch.cat(corrections).double() if corrections else None,
        torch.cat([part.target for part in parts]),
    )
