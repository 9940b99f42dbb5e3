"""MetaBlock: the history scales and shifts groups of the photo's features, between tanh and sigmoid."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from mmskin.features import Features, Modality
from mmskin.fusion.fusion_options import check_share, check_size, choose_photos_and
from mmskin.fusion.photo_modulation import PhotoModulation


class MetaBlockFusion(PhotoModulation):
    """σ(tanh(V ⊙ T1) + T2): V the photo's pooled vector in k groups of 32, T1 and T2 one number a group.

    T1 = BatchNorm(W_f m) and T2 = BatchNorm(W_g m), with m the pooled vector of the history. The answer is what leaves
    the sigmoid, flattened; it is not multiplied by V again. In the table as `metablock`, on fields (the paper's are
    one-hot: encoder `onehot`), and as `metablock_note`, on the note.

    An absent modality enters as the learned vector that the model puts in its place. In training a batch needs two
    cases or more, and one case's answer depends on the others, as with every BatchNorm; in eval mode on none.

    Source: Pacheco & Krohling, *An attention-based mechanism to combine images and metadata in deep learning models
    applied to skin cancer classification*, IEEE JBHI 2021; checked against the authors' code (paaatcha/MetaBlock).
    NOTE[DIFF]: W_f and W_g have no bias, for BatchNorm takes it out and adds its own; the reducer layer that the
    authors' networks may have before the classifier is left out.

    group_width: features in a group; the paper's 32.
    dropout: in [0, 1), on the answer; the paper has none.
    """

    takes = "photos_and_context"

    def __init__(
        self,
        context: Modality,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        group_width: int = 32,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(num_classes)
        sides = choose_photos_and(context, dims)
        self.photo, self.context = sides.photos[0], context
        width = dims[self.photo]
        self.group_width = check_size("group_width", group_width)
        num_groups, rest = divmod(width, group_width)
        if rest:
            raise ValueError(
                f"the photo's vector must be a whole number of groups of {group_width}, however: its width is "
                f"{width}; choose another group_width or encoder"
            )
        self.scale = _per_group(dims[context], num_groups)
        self.shift = _per_group(dims[context], num_groups)
        self.dropout = nn.Dropout(check_share("dropout", dropout))
        same = partial(MetaBlockFusion, context, num_classes=num_classes, group_width=group_width, dropout=dropout)
        self.repeat_for(sides, dims, width=width, same=same)

    def modulate(self, features: Mapping[str, Features]) -> Tensor:
        context = features[self.context].pooled
        groups = features[self.photo].pooled.unfold(-1, self.group_width, self.group_width)
        modulated = (groups * self.scale(context)[..., None]).tanh() + self.shift(context)[..., None]
        answer: Tensor = self.dropout(modulated.sigmoid().flatten(1))
        return answer


def _per_group(in_dim: int, num_groups: int) -> nn.Module:
    return nn.Sequential(nn.Linear(in_dim, num_groups, bias=False), nn.BatchNorm1d(num_groups))
