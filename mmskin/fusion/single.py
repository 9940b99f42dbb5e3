"""One modality by itself: what every fusion has to beat."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from mmskin.features import Features, Modality
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.fusion.fusion_options import Takes, check_share, choose_modalities, choose_photo


class SingleModality(Fusion):
    """The pooled vector of one modality, with dropout, for the model's linear head.

    In the table as `text_only` and `metadata_only`, and for a photo as `image_only`. Where its modality is absent there
    is nothing to answer from: the answer is that of the model's learned vector, the same for all such cases.

    dropout: share of the pooled vector dropped in training, in [0, 1).
    """

    takes: Takes = "one"
    is_additive = True

    def __init__(self, modality: Modality, dims: Mapping[str, int], num_classes: int, *, dropout: float = 0.2) -> None:
        super().__init__(num_classes)
        self.modalities = choose_modalities(dims, (modality,))
        self.out_dim = dims[modality]
        self.modality = modality
        self.dropout = nn.Dropout(check_share("dropout", dropout))

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        return FusionOutput(fused=self.dropout(features[self.modality].pooled))


class SinglePhoto(SingleModality):
    """The pooled vector of one kind of photo, with dropout, for the model's linear head.

    In the table as `image_only`. Where the photo is absent the answer is that of the model's learned vector, the same
    for all such cases.

    modality: the kind of photo; it must be named where several have an encoder.
    dropout: share of the pooled vector dropped in training, in [0, 1).
    """

    takes = "photo"

    def __init__(
        self, dims: Mapping[str, int], num_classes: int, *, modality: Modality | None = None, dropout: float = 0.2
    ) -> None:
        super().__init__(choose_photo(dims, modality), dims, num_classes, dropout=dropout)
