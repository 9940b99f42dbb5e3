"""Balanced softmax: the cross-entropy of a softmax in which each class counts as often as it has cases."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from mmskin.losses.loss_contract import Loss, in_full_precision
from mmskin.losses.loss_options import check_range
from mmskin.losses.weighting import check_counts, inverse_frequency, log_shares, weighted_prior


class BalancedSoftmaxLoss(Loss):
    """−log (n_y e^{z_y} / Σ_c n_c e^{z_c}): cross-entropy of logits + log n_c; the plain softmax answers.

    Its minimum is the posterior under equal class shares. With n_c / N in place of n_c nothing would change, so it is
    the logit-adjusted loss at τ = 1. With equal counts it is cross-entropy.

    Source: Ren et al., *Balanced meta-softmax for long-tailed visual recognition*, NeurIPS 2020, theorem 1.

    label_smoothing: share of the target spread evenly over all classes, in [0, 1).
    """

    is_weighted = True
    log_counts: Tensor
    class_prior: Tensor

    def __init__(self, class_counts: Sequence[int] | Tensor, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        counts = check_counts(class_counts)
        self.label_smoothing = check_range("label_smoothing", label_smoothing, below=1.0)
        self.gives_posterior = label_smoothing == 0
        prior = weighted_prior(counts, inverse_frequency(counts))
        self.register_buffer("log_counts", (log_shares(counts) + counts.sum().log()).float(), persistent=False)
        self.register_buffer("class_prior", prior.float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        counted = in_full_precision(logits) + self.log_counts
        return F.cross_entropy(counted, target, label_smoothing=self.label_smoothing)

    def prior(self) -> Tensor:
        return self.class_prior
