"""MetaNet: the history opens and closes maps that the photo's features are laid out in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from mmskin.features import Features, Modality
from mmskin.fusion.fusion_options import check_share, check_size, choose_photos_and
from mmskin.fusion.photo_modulation import PhotoModulation

MAP_SIZE = 8 * 8
"""Features that share a gate, as in the published code."""


class MetaNetFusion(PhotoModulation):
    """gate ⊙ V: V the photo's pooled vector laid out as q = D / 64 maps of 8 × 8, one gate in (0, 1) a map.

    gate = σ(W_2 ReLU(W_1 m)), with m the pooled vector of the history; the maps are no places in the photo, just blocks
    of 64 features. In the table as `metanet`, on fields (the paper's are one-hot: encoder `onehot`), and as
    `metanet_note`, on the note.

    An absent modality enters as the learned vector that the model puts in its place. The history has no other way into
    the answer than the gate.

    Source: Li et al., *Fusing metadata and dermoscopy images for skin disease diagnosis*, ISBI 2020, as coded by
    Pacheco & Krohling for their comparison with MetaBlock (IEEE JBHI 2021). Their 1 × 1 convolutions see a map of one
    pixel, which makes them the linear layers they are here.

    hidden_dim: width between W_1 and W_2; 64 as published.
    dropout: in [0, 1), on the answer; the published code has none.
    """

    takes = "photos_and_context"

    def __init__(
        self,
        context: Modality,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        hidden_dim: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(num_classes)
        sides = choose_photos_and(context, dims)
        self.photo, self.context = sides.photos[0], context
        width = dims[self.photo]
        num_maps, rest = divmod(width, MAP_SIZE)
        if rest:
            raise ValueError(
                "the photo's vector must be a whole number of maps of 8 x 8, however: its width is "
                f"{width}; choose another encoder, or metablock"
            )
        check_size("hidden_dim", hidden_dim)
        self.gate = nn.Sequential(
            nn.Linear(dims[context], hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, num_maps),
            nn.Sigmoid(),
        )
        self.dropout = nn.Dropout(check_share("dropout", dropout))
        same = partial(MetaNetFusion, context, num_classes=num_classes, hidden_dim=hidden_dim, dropout=dropout)
        self.repeat_for(sides, dims, width=width, same=same)

    def modulate(self, features: Mapping[str, Features]) -> Tensor:
        maps = features[self.photo].pooled.unfold(-1, MAP_SIZE, MAP_SIZE)
        gated = self.gate(features[self.context].pooled)[..., None] * maps
        answer: Tensor = self.dropout(gated.flatten(1))
        return answer
