"""Channel gate: the history opens and closes channels of the photo's map, before it is pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmskin.features import Features
from mmskin.fusion.fusion_options import check_share, check_size, choose_sides
from mmskin.fusion.photo_modulation import PhotoModulation
from mmskin.fusion.tokens import masked_mean, real_tokens


class ChannelGateFusion(PhotoModulation):
    """fused = mean over cells of GELU(W (g ⊙ norm(cell)) + b), with g = σ(MLP(history)) in (0, 1), one per channel.

    A gate that multiplies the cells of a map and is followed by their mean is the same gate on the mean: that much of
    the published method could do without the map. So could a ReLU of gated cells, for g > 0 passes through it. Here
    gated channels are mixed within each cell and then bent, so that a channel counts where in the photo it stands
    beside others.

    The history has no other way into the answer. An absent one enters as the learned vector that the model puts in its
    place, and so has a gate of its own, not an open one. An absent photo is one learned cell, gated like any other.

    Source: the metadata gate in the code of the MCR-SL data set (Zenodo 17306338); its form is squeeze-and-excitation,
    Hu et al., CVPR 2018, equation 3, with the history in the place of the squeezed map. NOTE[DIFF]: LayerNorm before
    the gate, W and GELU after it, for the reason above.

    modalities: photos, and text or metadata or both; all that have an encoder if not given.
    hidden_dim: width of W, and of the answer.
    gate_dim: width of the hidden layer of the MLP; about D / 16 for D = 1280, as in squeeze-and-excitation.
    dropout: in [0, 1), on the pooled vector.
    """

    takes = "photos_and_history"
    reads_tokens = "photos"

    def __init__(
        self,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        modalities: Sequence[str] | None = None,
        hidden_dim: int = 256,
        gate_dim: int = 64,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(num_classes)
        sides = choose_sides(dims, modalities)
        self.photo, self.history = sides.photos[0], sides.history
        check_size("hidden_dim", hidden_dim)
        check_size("gate_dim", gate_dim)
        self.norm = nn.ModuleDict({m: nn.LayerNorm(dims[m]) for m in (self.photo, *self.history)})
        self.gate = nn.Sequential(
            nn.Linear(sum(dims[m] for m in self.history), gate_dim),
            nn.ReLU(),
            nn.Linear(gate_dim, dims[self.photo]),
            nn.Sigmoid(),
        )
        self.mix = nn.Linear(dims[self.photo], hidden_dim)
        self.dropout = nn.Dropout(check_share("dropout", dropout))
        same = partial(
            ChannelGateFusion, num_classes=num_classes, hidden_dim=hidden_dim, gate_dim=gate_dim, dropout=dropout
        )
        self.repeat_for(sides, dims, width=hidden_dim, same=same)

    def modulate(self, features: Mapping[str, Features]) -> Tensor:
        tokens, mask = real_tokens(features[self.photo], self.photo, "channel_gate")
        gate = self.gate(torch.cat([self.norm[m](features[m].pooled) for m in self.history], dim=-1))
        cells = F.gelu(self.mix(gate[:, None] * self.norm[self.photo](tokens)))
        answer: Tensor = self.dropout(masked_mean(cells, mask))
        return answer
