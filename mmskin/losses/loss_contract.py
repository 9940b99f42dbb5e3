"""What every loss promises."""

from __future__ import annotations

from typing import final

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
    """True if the logits determine the posterior under `prior`, see `log_posterior`; some fusions need it of branches.

    False wherever label smoothing is on: what is learned is then p mixed with a share ε of equal parts, and a model
    that gives a class less than ε / C, as a trained one can, stands for no p."""
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

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """(B, C) log of the probabilities that are answered, in float32 or better: the link, which a loss may change.

        Whatever scales or ranks answers reads this and not `probabilities`, which rounds to 0 what is below e^−103 in
        float32 and e^−745 in float64.
        """
        return in_full_precision(logits).log_softmax(dim=-1)

    @final
    def probabilities(self, logits: Tensor) -> Tensor:
        """(B, C) probabilities that sum to 1, in float32 or better."""
        return self.log_probabilities(logits).exp()

    def of_posterior(self, log_posterior: Tensor) -> Tensor:
        """(B, C) log of the probabilities that are answered where this is the log of the posterior under `prior`.

        The same, unless the link moves the answer to other class shares: see `PostHocLogitAdjustedLoss`.
        """
        return log_posterior

    def log_posterior(self, logits: Tensor) -> Tensor:
        """(B, C) log of the class posterior under `prior`, float32 or better, which these logits stand for.

        The logits that minimise the loss of cases with class shares η stand for η. For most losses that is their
        softmax; focal loss bends it, see `FocalLoss`.

        Raises:
            ValueError: the logits of this loss stand for no posterior.
        """
        if not self.gives_posterior:
            raise ValueError(
                f"the logits of this {type(self).__name__} stand for no posterior: gives_posterior is False"
            )
        return self._log_posterior(in_full_precision(logits))

    def _log_posterior(self, logits: Tensor) -> Tensor:
        """The link of `log_posterior`, of a loss that has one; logits in float32 or better."""
        return logits.log_softmax(dim=-1)

    def prior(self) -> Tensor:
        """(C,) the class prior that a model trained with this loss has seen, under which its logits are a posterior.

        For weighted losses counts × class weights, normalised; 0 for a class without training cases. The probabilities
        answer under the same prior, unless the link moves them: see `PostHocLogitAdjustedLoss`.
        """
        raise NotImplementedError
