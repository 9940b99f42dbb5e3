"""Cross-entropy: all cases alike, or all classes alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmskin.losses.loss_contract import Loss, in_full_precision
from mmskin.losses.loss_options import check_range
from mmskin.losses.weighting import check_counts, inverse_frequency, weighted_prior


class CrossEntropyLoss(Loss):
    """The log-loss. Its minimum is the posterior under the class shares of the training cases.

    label_smoothing: share of the target spread evenly over all classes, in [0, 1) (Szegedy et al. 2016). It costs
        calibration of the raw probabilities; temperature scaling afterwards repairs part of it.
    """

    class_prior: Tensor

    def __init__(self, class_counts: Sequence[int] | Tensor, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        counts = check_counts(class_counts)
        self.label_smoothing = check_range("label_smoothing", label_smoothing, below=1.0)
        self.gives_posterior = label_smoothing == 0
        self.register_buffer("class_prior", weighted_prior(counts, torch.ones_like(counts)).float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        return F.cross_entropy(in_full_precision(logits), target, label_smoothing=self.label_smoothing)

    def prior(self) -> Tensor:
        return self.class_prior


class WeightedCrossEntropyLoss(Loss):
    """The log-loss with each case weighted by the inverse frequency of its class: Σ_i w_{y_i} CE_i / B, Σ_c w_c = C.

    Its minimum is the posterior under equal class shares, which is what balanced accuracy asks for.

    `torch.nn.CrossEntropyLoss(weight=w)` is another loss in two ways. It divides by Σ_i w_{y_i} and not by B, so that a
    case weighs less the more cases of rare classes happen to share its batch (a batch of one is not weighted at all).
    And with label smoothing it weighs the smoothed mass of every class by that class's own weight; here a case has one
    weight, that of its class.

    label_smoothing: as in `CrossEntropyLoss`.
    """

    is_weighted = True
    weights: Tensor
    class_prior: Tensor

    def __init__(self, class_counts: Sequence[int] | Tensor, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        counts = check_counts(class_counts)
        weights = inverse_frequency(counts)
        self.label_smoothing = check_range("label_smoothing", label_smoothing, below=1.0)
        self.gives_posterior = label_smoothing == 0
        self.register_buffer("weights", weights.float(), persistent=False)
        self.register_buffer("class_prior", weighted_prior(counts, weights).float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        per_case = F.cross_entropy(
            in_full_precision(logits), target, reduction="none", label_smoothing=self.label_smoothing
        )
        return (self.weights[target] * per_case).mean()

    def prior(self) -> Tensor:
        return self.class_prior
