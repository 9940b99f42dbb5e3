"""Concatenation: the common baseline of the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmskin.features import Features
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.fusion.fusion_options import check_share, check_size, choose_modalities


class ConcatFusion(Fusion):
    """Each pooled vector through LayerNorm, Linear, GELU and dropout of its own, then side by side.

    A LayerNorm of its own follows each part, before the dropout, unless there is a joint layer. The linear head on top
    sees a sum over modalities: concatenation by itself can weigh the photo against the history
    but cannot say "this sign matters only with that complaint". `joint_dim` adds a layer that can.

    An absent modality enters as the learned vector that the model puts in its place.

    Source: the "feature concatenation" of Pacheco & Krohling, *The impact of patient clinical information on automated
    skin cancer detection*, Comput. Biol. Med. 2020. NOTE[DIFF]: there the photo alone is projected, with BatchNorm, and
    the history appended as it is. Here both are projected, since a note's embedding is as wide as a photo's, and
    LayerNorm keeps the answer for a patient independent of who else is in the batch.

    modalities: those to fuse, two or more; all that have an encoder if not given.
    hidden_dim: width of each modality's part; 256 is the paper's.
    joint_dim: width of the layer over all parts; None for none, as in the paper.
    dropout: in [0, 1), after each part and after the joint layer. A guess between the paper's 0.5, for a fine-tuned
        CNN, and none.
    """

    takes = "several"

    def __init__(
        self,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        modalities: Sequence[str] | None = None,
        hidden_dim: int = 256,
        joint_dim: int | None = None,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(num_classes)
        self.modalities = choose_modalities(dims, modalities, at_least=2)
        check_size("hidden_dim", hidden_dim)
        check_share("dropout", dropout)
        self.parts = nn.ModuleDict(
            {m: _part(dims[m], hidden_dim, dropout=dropout, normed=joint_dim is None) for m in self.modalities}
        )
        width = hidden_dim * len(self.modalities)
        self.is_additive = joint_dim is None
        self.norms_fused = not self.is_additive  # one norm over all parts would make each count by the others' length
        self.joint: nn.Module = nn.Identity()
        if joint_dim is not None:
            self.joint = _part(width, check_size("joint_dim", joint_dim), dropout=dropout)
        self.out_dim = width if joint_dim is None else joint_dim

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        parts = [self.parts[m](features[m].pooled) for m in self.modalities]
        return FusionOutput(fused=self.joint(torch.cat(parts, dim=-1)))


def _part(in_dim: int, out_dim: int, *, dropout: float, normed: bool = False) -> nn.Module:
    """normed: whether a norm follows, as one stands before every linear head."""
    norm = nn.LayerNorm(out_dim) if normed else nn.Identity()
    return nn.Sequential(nn.LayerNorm(in_dim), nn.Linear(in_dim, out_dim), nn.GELU(), norm, nn.Dropout(dropout))
