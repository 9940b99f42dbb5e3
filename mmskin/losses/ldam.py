"""LDAM: rare classes must win by a wider margin, and late in the training count more."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmskin.losses.loss_contract import Loss, in_full_precision
from mmskin.losses.loss_options import check_range
from mmskin.losses.weighting import check_counts, effective_number, weighted_prior


class LDAMLoss(Loss):
    """Σ_i w_{y_i} CE(s (z_i − m_{y_i} e_{y_i}), y_i) / B: the logit of the true class must lead by a margin.

    m_c = max_m · n_c^(−1/4) / max_j n_j^(−1/4), so that the rarest class has the margin max_m. It works in training
    only: softmax(s z) answers. The weights wait (deferred re-weighting, DRW): all classes count alike before
    `deferred_until`, from then on w_c ∝ (1 − β) / (1 − β^n_c), Σ_c w_c = C. max_m = 0 is the cross-entropy of s z.

    NOTE[DIFF]: the logits of the authors are cosines, from a classifier with normalised features and weights; ours come
    from a linear head and have no bound. A margin can then also be met by making all logits larger, and weight decay
    and the length of the training decide how far that goes. s multiplies the logits all the same: with s on the margin
    alone, 20 epochs on a mixture of Gaussians did not reach the margins and did worse than cross-entropy.
    NOTE[DIFF]: the authors divide a weighted batch by Σ_i w_{y_i}, which depends on what else is in it; we by B.

    The probabilities are far too sure and want temperature scaling. Neither the logits without s nor a softmax moved
    by margins are a posterior, so late fusion is refused unless scale is 1 and max_m 0. `prior` is counts × weights
    from `deferred_until` on, which holds at max_m = 0; margins move the probabilities further towards rare classes.

    Source: Cao et al., *Learning imbalanced datasets with label-distribution-aware margin loss*, NeurIPS 2019, section
    3.2 and algorithm 1; constants as in their code (github.com/kaidic/LDAM-DRW).

    max_m: margin of the rarest class, at least 0; 0.5 in the authors' code.
    scale: s, at least 1; 30 in the authors' code. With a linear head the first losses are about as large as s.
    beta: in [0, 1), of the deferred weights; 0.9999 is nearly inverse frequency for hundreds of cases per class.
    deferred_until: share of the training, in [0, 1), before which all classes count alike; 0 weighs from the start.
    label_smoothing: share of the target spread evenly over all classes, in [0, 1); the margin stays with the true one.
    """

    margins: Tensor
    weights: Tensor
    class_prior: Tensor

    def __init__(
        self,
        class_counts: Sequence[int] | Tensor,
        *,
        max_m: float = 0.5,
        scale: float = 30.0,
        beta: float = 0.9999,
        deferred_until: float = 0.8,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        counts = check_counts(class_counts)
        margins = margins_by_count(counts, max_m=check_range("max_m", max_m))
        weights = effective_number(counts, beta=check_range("beta", beta, below=1.0))
        self.scale = check_range("scale", scale, low=1.0)
        self.deferred_until = check_range("deferred_until", deferred_until, below=1.0)
        self.label_smoothing = check_range("label_smoothing", label_smoothing, below=1.0)
        self.is_weighted = beta > 0
        self.gives_posterior = scale == 1 and max_m == 0 and label_smoothing == 0
        self.register_buffer("margins", margins.float(), persistent=False)
        self.register_buffer("weights", weights.float(), persistent=False)
        self.register_buffer("class_prior", weighted_prior(counts, weights).float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        behind = in_full_precision(logits) - F.one_hot(target, logits.shape[-1]) * self.margins
        per_case = F.cross_entropy(self.scale * behind, target, reduction="none", label_smoothing=self.label_smoothing)
        weights = self.weights if progress >= self.deferred_until else torch.ones_like(self.weights)
        return (weights[target] * per_case).mean()

    def log_probabilities(self, logits: Tensor) -> Tensor:
        return (self.scale * in_full_precision(logits)).log_softmax(dim=-1)

    def prior(self) -> Tensor:
        return self.class_prior


def margins_by_count(counts: Tensor, *, max_m: float) -> Tensor:
    """(C,) max_m · n_c^(−1/4) over its largest value; 0 for a class without training cases, never a target."""
    rarity = counts.pow(-0.25).where(counts > 0, 0.0)
    return max_m * rarity / rarity.max()
