"""FiLM: the history scales and shifts the channels of the photo's map, before it is pooled."""

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


class FiLMFusion(PhotoModulation):
    """cell ← cell + ReLU(γ ⊙ norm(W cell) + β), for every cell of the photo; γ and β are linear in the history.

    Cells first go through LayerNorm, Linear and ReLU to `hidden_dim`; `fused` is their mean after `depth` such blocks.
    The ReLU stands between γ and the mean: without it, modulating cells would be modulating their mean, and the map
    would not be needed. γ = 1 + Δγ, and Δγ and β start at 0 whatever the history: training starts from the photo alone.
    The history has no other way into the answer.

    An absent history enters as the learned vector that the model puts in its place, and so has a γ and β of its own,
    not the identity: the best reading of a photo without a history need not be the untouched one. An absent photo is
    one learned cell, modulated like any other, by which the history still speaks.

    Source: Perez et al., *FiLM: Visual reasoning with a general conditioning layer*, AAAI 2018, equations 1 and 2 and
    the residual block of figure 3. NOTE[DIFF]: W sees one cell, where the paper has a 3 × 3 convolution, for the cells
    of several photos lie end to end; `norm` is a LayerNorm without parameters, where the paper has such a BatchNorm, so
    that a patient's answer does not depend on the batch; mean, where the paper takes the maximum over cells; Δγ and β
    start at 0.

    modalities: photos, and text or metadata or both; all that have an encoder if not given.
    hidden_dim: channels; the paper's 128.
    depth: blocks, each with its own γ and β. The paper has 4; 1 is a guess for hundreds of cases.
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
        hidden_dim: int = 128,
        depth: int = 1,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(num_classes)
        sides = choose_sides(dims, modalities)
        self.photo, self.history = sides.photos[0], sides.history
        check_size("hidden_dim", hidden_dim)
        check_size("depth", depth)
        self.embed = nn.Sequential(nn.LayerNorm(dims[self.photo]), nn.Linear(dims[self.photo], hidden_dim), nn.ReLU())
        self.mix = nn.ModuleList(nn.Linear(hidden_dim, hidden_dim, bias=False) for _ in range(depth))
        self.norm = nn.ModuleDict({m: nn.LayerNorm(dims[m]) for m in self.history})
        self.generate = nn.Linear(sum(dims[m] for m in self.history), depth * 2 * hidden_dim)
        nn.init.zeros_(self.generate.weight)
        nn.init.zeros_(self.generate.bias)
        self.dropout = nn.Dropout(check_share("dropout", dropout))
        same = partial(FiLMFusion, num_classes=num_classes, hidden_dim=hidden_dim, depth=depth, dropout=dropout)
        self.repeat_for(sides, dims, width=hidden_dim, same=same)

    def modulate(self, features: Mapping[str, Features]) -> Tensor:
        tokens, mask = real_tokens(features[self.photo], self.photo, "film")
        cells = self.embed(tokens)
        history = torch.cat([self.norm[m](features[m].pooled) for m in self.history], dim=-1)
        blocks = self.generate(history).unflatten(-1, (len(self.mix), 2, 1, -1)).unbind(dim=1)
        for mix, block in zip(self.mix, blocks, strict=True):
            delta_gamma, beta = block.unbind(dim=1)
            mixed = F.layer_norm(mix(cells), (cells.shape[-1],))
            cells = cells + F.relu((1 + delta_gamma) * mixed + beta)
        answer: Tensor = self.dropout(masked_mean(cells, mask))
        return answer
