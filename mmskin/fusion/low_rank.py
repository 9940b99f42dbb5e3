"""Low-rank multimodal fusion: every product of a photo feature with a history feature, at a linear price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import torch
from torch import Tensor, nn

from mmskin.features import Features
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.fusion.fusion_options import check_share, check_size, choose_modalities


class LowRankFusion(Fusion):
    """fused_o = Σ_r Π_m w_{m,r,o} · [x_m; 1]: a linear map of the outer product of all modalities, of rank R.

    The outer product of the vectors [x_m; 1] holds each modality by itself, each pair and, with three, each triple. A
    full weight tensor over it would have Π_m (D_m + 1) entries per unit; one that is a sum of R outer products is never
    formed, nor is the product: each modality is projected, and the projections are multiplied. The appended 1 is the
    bias of the projection.

    An absent modality enters as the learned vector that the model puts in its place.

    Source: Liu et al., *Efficient low-rank multimodal fusion with modality-specific factors*, ACL 2018.
    NOTE[DIFF]: LayerNorm in place of the paper's subnetworks, since the vectors come from trained encoders; no weight
    per rank and no bias, as the authors' code has, for the factors hold both. The biases start at R^(−1/M) rather
    than near 0, so that each modality counts by itself from the start and the constant term is 1.

    modalities: those to fuse, two or more; all that have an encoder if not given.
    hidden_dim: units.
    rank: R, outer products per unit; 4 is on the authors' grid (1, 4, 8, 16).
    dropout: in [0, 1), on the fused vector.
    """

    takes = "several"

    def __init__(
        self,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        modalities: Sequence[str] | None = None,
        hidden_dim: int = 64,
        rank: int = 4,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(num_classes)
        self.modalities = choose_modalities(dims, modalities, at_least=2)
        self.out_dim = check_size("hidden_dim", hidden_dim)
        self.rank = check_size("rank", rank)
        self.norm = nn.ModuleDict({m: nn.LayerNorm(dims[m]) for m in self.modalities})
        self.factors = nn.ModuleDict({m: nn.Linear(dims[m], rank * hidden_dim) for m in self.modalities})
        for factor in self.factors.values():
            assert isinstance(factor, nn.Linear)
            nn.init.constant_(factor.bias, rank ** (-1 / len(self.modalities)))
        self.dropout = nn.Dropout(check_share("dropout", dropout))

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        projected = [self.factors[m](self.norm[m](features[m].pooled)) for m in self.modalities]
        product = reduce(torch.mul, projected)
        return FusionOutput(fused=self.dropout(product.unflatten(-1, (self.rank, -1)).sum(dim=1)))
