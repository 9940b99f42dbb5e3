"""Gated multimodal unit: a gate that sees all modalities weighs them, unit by unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmskin.features import Features
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.fusion.fusion_options import check_share, check_size, choose_modalities


class GatedFusion(Fusion):
    """h_m = tanh(W_m x_m) for each modality; fused = Σ_m z_m ⊙ h_m, the gates z read from all x together.

    Two modalities share one gate, z ⊙ h_1 + (1 − z) ⊙ h_2 with z = σ(W_z [x_1, x_2]): each unit takes what it does not
    take from the photo from the history. Three or more have a gate each, z_m = σ(W_zm [x_1, x_2, …]), and may all be
    open. Since z depends on the other modality, the sum is not additive: what the photo says can count only where the
    history lets it through.

    An absent modality enters as the learned vector that the model puts in its place: the gates see it and can learn to
    close on it.

    Source: Arevalo et al., *Gated multimodal units for information fusion*, ICLR 2017 workshop, both forms of the unit.
    NOTE[DIFF]: LayerNorm before, since pooled vectors of different encoders differ in scale and tanh would saturate;
    biases, which the paper's equations leave out.

    modalities: those to fuse, two or more; all that have an encoder if not given.
    hidden_dim: units.
    dropout: in [0, 1), on the fused vector. As in `concat`.
    """

    takes = "several"

    def __init__(
        self,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        modalities: Sequence[str] | None = None,
        hidden_dim: int = 256,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(num_classes)
        self.modalities = choose_modalities(dims, modalities, at_least=2)
        self.out_dim = check_size("hidden_dim", hidden_dim)
        self.norm = nn.ModuleDict({m: nn.LayerNorm(dims[m]) for m in self.modalities})
        self.hidden = nn.ModuleDict({m: nn.Linear(dims[m], hidden_dim) for m in self.modalities})
        self.num_gates = 1 if len(self.modalities) == 2 else len(self.modalities)
        self.gate = nn.Linear(sum(dims[m] for m in self.modalities), self.num_gates * hidden_dim)
        self.dropout = nn.Dropout(check_share("dropout", dropout))

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        x = [self.norm[m](features[m].pooled) for m in self.modalities]
        h = torch.stack([self.hidden[m](part).tanh() for m, part in zip(self.modalities, x, strict=True)], dim=1)
        z = self.gate(torch.cat(x, dim=-1)).sigmoid().unflatten(-1, (self.num_gates, -1))
        if self.num_gates == 1:
            z = torch.cat([z, 1 - z], dim=1)
        return FusionOutput(fused=self.dropout((z * h).sum(dim=1)))
