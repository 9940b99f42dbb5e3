"""What every loss promises."""

from __future__ import annotations

from torch import Tensor, nn


class Loss(nn.Module):
    """logits → a number to minimise, and the link from logits to probabilities.

    A constructor takes `class_counts` ((C,) training cases per class, int64), then its own keyword-only options.
    """

    is_weighted: bool = False
    """True if classes count differently; such a loss is refused beside a class-balanced sampler."""

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        """Mean loss of a batch, a scalar.

        Args:
            logits: (B, C), unnormalised.
            target: (B,), int64, in [0, C).
            progress: share of the training done, in [0, 1], for losses that change their weights on the way.
        """
        raise NotImplementedError

    def probabilities(self, logits: Tensor) -> Tensor:
        """(B, C) probabilities that sum to 1."""
        return logits.softmax(dim=-1)

    def prior(self) -> Tensor:
        """(C,) the class prior that a model trained with this loss has seen: counts × class weights, normalised."""
        raise NotImplementedError
