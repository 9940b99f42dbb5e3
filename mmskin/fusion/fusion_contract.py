"""What every fusion promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmskin.features import Features
from mmskin.fusion.experts import SMALLEST_PRIOR, Experts
from mmskin.fusion.fusion_options import ReadsTokens, Takes, tokens_read

LogPosterior = Callable[[Tensor], Tensor]
"""Logits (B, C) → the log of the posterior that they stand for, (B, C), in float32 or better."""


class FusionOutput(NamedTuple):
    """What a fusion answers.

    fused: (B, out_dim), for the model's linear head, or None.
    logits: (B, C), where the fusion decides itself, or None. Exactly one of fused and logits is given.
    branch_logits: (B, C) by modality where there are branches, each trained with the same loss, else None.
    """

    fused: Tensor | None = None
    logits: Tensor | None = None
    branch_logits: dict[str, Tensor] | None = None


class Fusion(nn.Module):
    """Features of several modalities → one representation, or logits.

    A constructor takes `dims` (D by modality) and `num_classes`, then its own keyword-only options; one of them, in
    every fusion of the table, is `dropout`, in [0, 1). It answers for every non-empty subset of its modalities: the
    model has put a learned vector (pooled) or one learned token in the place of what is absent, and `present` says
    which. Other modalities cannot change its answer.

    modalities: those it uses, all in `dims`.
    out_dim: width of `fused`; None for a fusion that gives logits.
    log_prior: (C,) log of the class prior under which the branches are trained; uniform until `set_prior`.
    log_posterior: from the logits of a branch to its posterior; log softmax until `set_posterior`.

    What a class declares is read from its source before anything is imported, so it is written as a plain value.
    """

    takes: Takes = "any"
    """Which of the modalities that have an encoder it uses, see `modalities_of`."""
    reads_tokens: ReadsTokens = "none"
    """Of which of its modalities it reads tokens; of the others the pooled vector alone."""
    needs_posterior: bool = False
    """True if it reckons with the branches' probabilities, and needs a loss whose softmax is a posterior."""
    is_additive: bool = False
    """True if the logits are a sum over modalities, each term of one alone: it cannot learn that a sign in the photo
    counts only with a complaint. May depend on options."""
    norms_fused: bool = True
    """Whether the model's head begins with a LayerNorm over all of `fused`: not where that would mix what is to stay
    apart. May depend on options."""
    modalities: tuple[str, ...]
    out_dim: int | None
    log_prior: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.register_buffer("log_prior", torch.zeros(num_classes).sub(torch.tensor(float(num_classes)).log()))
        self.log_posterior: LogPosterior = log_softmax

    @property
    def made_of(self) -> Experts | None:
        """The experts that it multiplies, where it is nothing but their product."""
        return None

    @property
    def needs_tokens(self) -> tuple[str, ...]:
        """The modalities of which it reads tokens."""
        return tokens_read(self.reads_tokens, self.modalities)

    def set_prior(self, prior: Tensor) -> None:
        """Set the class prior, (C,) non-negative; it is normalised here."""
        self.log_prior.copy_((prior / prior.sum()).clamp_min(SMALLEST_PRIOR).log())

    def set_posterior(self, log_posterior: LogPosterior) -> None:
        """Say what the logits of a branch stand for under the loss that trains it."""
        self.log_posterior = log_posterior

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        """Fuse a batch.

        Args:
            features: by modality; may hold modalities that this fusion does not use.
            present: (B,) bool by modality.
        """
        raise NotImplementedError


def log_softmax(logits: Tensor) -> Tensor:
    """The posterior that cross-entropy teaches."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=-1)
