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

PRIOR_SD = 0.25
"""Standard deviation of the Gaussian prior of every weight, and of the strength of the gate, around 1.

In units of cases: a weight of w costs (w - 1)² / (2 · .25²) = 8 (w - 1)² nats, as much log-loss as so many cases whose
class was given a probability of 1/e. To leave 1 by .25 the rows must gain half a nat, to silence an expert or to double
it 8. A guess of how far experts that were trained to be posteriors are from independent ones; not tuned on any data."""


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
    so that the rows have the prior under which the experts were trained, with a prior of the weights around 1. There
    are as many numbers to find as experts, and one for the gate.

    Args:
        trained: not yet calibrated.
        val: rows with a known class; nothing changes if there are none.
    """
    experts = experts_of(trained.model)
    if experts is None or experts.weights_from != "validation" or not len(val):
        return
    said = _said(trained, experts, val)
    log_prior = trained.model.fusion.log_prior
    weights = class_weights(log_prior, torch.tensor(trained.record["class_counts"]))
    found, strength = fitted_weights(experts, said, log_prior=log_prior, class_weights=weights)
    with torch.no_grad():
        for modality, weight in found.items():
            experts.weights[modality].fill_(weight)
        if trained.model.correction is not None:
            trained.model.correction.gate.mul_(strength)


def class_weights(log_prior: Tensor, counts: Tensor) -> Tensor:
    """(C,) by which cases are weighted to have the prior (C,), of classes with counts (C,); 0 for one without cases."""
    return (log_prior.exp() / (counts / counts.sum())).where(counts > 0, 0.0)


def experts_of(model: MultimodalClassifier) -> Experts | None:
    """The experts that the fusion corrects, or that it is made of."""
    return model.fusion.made_of if model.correction is None else model.correction.experts


def fitted_weights(
    experts: Experts, said: Said, *, log_prior: Tensor, class_weights: Tensor
) -> tuple[dict[str, float], float]:
    """By modality the weight, and the strength of the correction, that are most probable after these cases.

    The sum of the cases' log-loss and of 8 (w - 1)² for each number w that is looked for is smallest (see `PRIOR_SD`),
    with w ≥ 0, and the strength between 0 and 1: what a fusion has learned is taken back where new cases do not bear it
    out, never made louder. A case of a rare class that has a large weight is no more than one case: the weights are
    scaled so that together they count as many cases as a mean with them is worth, n = (Σ a)² / Σ a². Of 250 cases of
    six classes of PAD-UFES-20, seven of them melanomas, that is about 120.

    Source: n is that of Kish, *Survey sampling*, 1965, section 11.7; to scale weights by it, Potthoff et al.,
    *"Equivalent sample size" and "equivalent degrees of freedom" refinements*, JASA 1992.

    Args:
        experts: whose product is formed; their own weights are not read.
        said: of cases on which nothing was trained.
        log_prior: (C,), under which the experts are posteriors.
        class_weights: (C,), of a case of each class.
    """
    given = class_weights[said.target].double()
    of_case = given * given.sum() / given.square().sum()
    names = experts.modalities

    def loss(values: Floats) -> tuple[float, Floats]:
        theta = torch.tensor(values, requires_grad=True)
        weights = dict(zip(names, theta, strict=False))
        logits = experts.product(said.log_posteriors, said.present, log_prior=log_prior, weights=weights)
        if said.correction is not None:
            logits = logits + theta[-1] * said.correction
        per_case = F.cross_entropy(logits.double(), said.target, reduction="none")
        total = (of_case * per_case).sum() + (theta - 1).square().sum() / (2 * PRIOR_SD**2)
        (gradient,) = torch.autograd.grad(total, theta)
        return total.item(), np.asarray(gradient)

    start = np.ones(len(names) + 1)
    bounds = [(0.0, None)] * len(names) + [(0.0, 1.0)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return dict(zip(names, found.tolist(), strict=False)), float(found[-1])


@torch.no_grad()
def _said(trained: TrainedModel, experts: Experts, val: pd.DataFrame) -> Said:
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
