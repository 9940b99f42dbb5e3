"""Late fusion: each modality gives its own diagnosis, and the diagnoses are combined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmskin.features import Features
from mmskin.fusion.fusion_contract import SMALLEST_PRIOR, Fusion, FusionOutput
from mmskin.fusion.fusion_options import check_share, check_size, choose_modalities


class LateFusion(Fusion):
    """A product of experts: log p = log π + Σ_{m present} w_m (log p_m − log π) + const.

    p_m is the posterior of a branch that sees modality m only, π the class prior under which the branches were trained
    (`set_prior`). What a branch adds is its evidence over the prior, so that the prior counts once however many
    branches there are; a mean of log-probabilities would count it right only by accident. At w = 1, where the weights
    start, this is naive Bayes: exact if the modalities are independent given the class. Branches that tell the same
    story twice get w < 1, a branch that is too timid w > 1. With one modality present at w = 1 the answer is that
    branch's own.

    An absent modality is dropped exactly: none of its content is read. A class without training cases stays at its
    prior: dividing by a prior of almost 0 would make it win every case.

    The branches are trained by their own losses, through `branch_logits`. By default the combination reads them
    detached while it trains, and the loss of the fused answer moves the weights alone: each branch stays the posterior
    of its own modality, which is what the formula is about. In eval mode gradients go through, for explanations.

    Source: Hinton, *Training products of experts by minimizing contrastive divergence*, Neural Comput. 2002; Kittler et
    al., *On combining classifiers*, IEEE PAMI 1998 (product rule).

    modalities: those to fuse; all that have an encoder if not given.
    hidden_dim: width of a hidden layer in each branch; None for linear branches, the same as `image_only`.
    dropout: in [0, 1), on each branch's input and hidden layer.
    joint: whether the loss of the fused answer trains the branches too.
    """

    takes = "any"
    needs_posterior = True
    is_additive = True

    def __init__(
        self,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        modalities: Sequence[str] | None = None,
        hidden_dim: int | None = None,
        dropout: float = 0.2,
        joint: bool = False,
    ) -> None:
        super().__init__(num_classes)
        self.modalities = choose_modalities(dims, modalities)
        self.out_dim = None
        if not isinstance(joint, bool):  # in YAML 1.2 `no` is text, and would count as yes
            raise ValueError(f"joint must be true or false, however: joint={joint!r}")
        self.joint = joint
        check_share("dropout", dropout)
        if hidden_dim is not None:
            check_size("hidden_dim", hidden_dim)
        self.branches = nn.ModuleDict(
            {m: _branch(dims[m], num_classes, hidden_dim=hidden_dim, dropout=dropout) for m in self.modalities}
        )
        self.weights = nn.ParameterDict({m: nn.Parameter(torch.tensor(1.0)) for m in self.modalities})

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        branch_logits = {m: self.branches[m](features[m].pooled) for m in self.modalities}
        was_seen = self.log_prior > math.log(2 * SMALLEST_PRIOR)
        log_p = self.log_prior.expand(len(present[self.modalities[0]]), -1)
        for m, logits in branch_logits.items():
            # Only a loss is kept from the branches: where nothing is trained, explanations follow gradients through.
            read = logits.detach() if self.training and not self.joint else logits
            # float32: in half precision the difference of two logarithms keeps no more than two digits.
            log_p_m = read.float().log_softmax(dim=-1)
            counts = present[m][:, None] & was_seen
            log_p = log_p + torch.where(counts, self.weights[m] * (log_p_m - self.log_prior), 0.0)
        return FusionOutput(logits=log_p, branch_logits=branch_logits)


def _branch(in_dim: int, num_classes: int, *, hidden_dim: int | None, dropout: float) -> nn.Module:
    if hidden_dim is None:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(in_dim, num_classes))
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(in_dim, hidden_dim),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden_dim, num_classes),
    )
