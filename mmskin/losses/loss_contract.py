"""What every loss promises."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def in_full_precision(logits: Tensor) -> Tensor:
    """The logits in float32 or better: exponentials and logarithms of half-precision numbers lose too much."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


class Loss(nn.Module):
    """logits → a number to minimise, and the link from logits to probabilities.

    A constructor takes `class_counts` ((C,) training cases per class, int64), then its own keyword-only options; one of
    them, in every loss of the table, is `label_smoothing`, in [0, 1).
    """

    is_weighted: bool = False
    """True if classes count differently; such a loss is refused beside a class-balanced sampler."""
    gives_posterior: bool = True
    """True if the softmax of the logits is a posterior under `prior`, which some fusions need of their branches."""
    initial_bias: float | None = None
    """The bias with which the last layer should start, the same for all classes; None where any will do."""

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        """Mean loss of a batch, a scalar.

        Args:
            logits: (B, C), unnormalised.
            target: (B,), int64, in [0, C).
            progress: share of the training done, in [0, 1], for losses that change their weights on the way.
        """
        raise NotImplementedError

    def probabilities(self, logits: Tensor) -> Tensor:
        """(B, C) probabilities that sum to 1, in float32 or better."""
        return in_full_precision(logits).softmax(dim=-1)

    def prior(self) -> Tensor:
        """(C,) the class prior that a model trained with this loss has seen, under which its logits are a posterior.

        For weighted losses counts × class weights, normalised; 0 for a class without training cases. The probabilities
        answer under the same prior, unless the link moves them: see `PostHocLogitAdjustedLoss`.
        """
        raise NotImplementedError
