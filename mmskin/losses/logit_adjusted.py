"""Logit adjustment: rare classes are lifted by the log of their share, in training or afterwards.

Both forms have the same minimum. With a linear head they differ only in where its bias starts: the logits that one
learns are those of the other plus τ log π.

Source: Menon et al., *Long-tail learning via logit adjustment*, ICLR 2021, section 4 (post hoc) and 5 (loss).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmskin.losses.loss_contract import Loss, in_full_precision
from mmskin.losses.loss_options import check_range
from mmskin.losses.weighting import check_counts, log_shares, weighted_prior


class LogitAdjustedLoss(Loss):
    """Cross-entropy of logits + τ log π_c, π the class shares in training; the softmax of the plain logits answers.

    Its minimum is the posterior under class shares π^(1 − τ), normalised: at τ = 1 equal ones, which is what balanced
    accuracy asks for. τ = 0 is cross-entropy.

    tau: at least 0; at 1 the minimum is best for balanced accuracy.
    label_smoothing: share of the target spread evenly over all classes, in [0, 1).
    """

    shift: Tensor
    class_prior: Tensor

    def __init__(self, class_counts: Sequence[int] | Tensor, *, tau: float = 1.0, label_smoothing: float = 0.0) -> None:
        super().__init__()
        counts = check_counts(class_counts)
        shift = check_range("tau", tau) * log_shares(counts)
        self.label_smoothing = check_range("label_smoothing", label_smoothing, below=1.0)
        self.gives_posterior = label_smoothing == 0
        self.is_weighted = tau > 0
        self.register_buffer("shift", shift.float(), persistent=False)
        self.register_buffer("class_prior", weighted_prior(counts, (-shift).exp()).float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        adjusted = in_full_precision(logits) + self.shift
        return F.cross_entropy(adjusted, target, label_smoothing=self.label_smoothing)

    def prior(self) -> Tensor:
        return self.class_prior


class PostHocLogitAdjustedLoss(Loss):
    """Cross-entropy in training; softmax(logits − τ log π_c) answers, π the class shares in training.

    The logits are those of cross-entropy, and so is the `prior` of their softmax, with which late fusion reckons. The
    probabilities answer under class shares π^(1 − τ), normalised, as those of `LogitAdjustedLoss` do.

    tau: at least 0; 1 answers as if all classes were equally frequent.
    label_smoothing: share of the target spread evenly over all classes, in [0, 1).
    """

    shift: Tensor
    class_prior: Tensor

    def __init__(self, class_counts: Sequence[int] | Tensor, *, tau: float = 1.0, label_smoothing: float = 0.0) -> None:
        super().__init__()
        counts = check_counts(class_counts)
        shift = check_range("tau", tau) * log_shares(counts)
        self.label_smoothing = check_range("label_smoothing", label_smoothing, below=1.0)
        self.gives_posterior = label_smoothing == 0
        self.is_weighted = tau > 0
        self.register_buffer("shift", shift.float(), persistent=False)
        self.register_buffer("class_prior", weighted_prior(counts, torch.ones_like(counts)).float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        return F.cross_entropy(in_full_precision(logits), target, label_smoothing=self.label_smoothing)

    def log_probabilities(self, logits: Tensor) -> Tensor:
        return self.of_posterior(in_full_precision(logits))

    def of_posterior(self, log_posterior: Tensor) -> Tensor:
        return (log_posterior - self.shift).log_softmax(dim=-1)

    def prior(self) -> Tensor:
        return self.class_prior
