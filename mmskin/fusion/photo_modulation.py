"""What fusions share in which the history changes how a photo is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mmskin.features import Features
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.fusion.fusion_options import Sides


class PhotoModulation(Fusion):
    """Each kind of photo is modulated by itself, with parameters of its own; the answers lie side by side.

    A subclass holds the parameters of the first kind, `photo`, and says in `modulate` what becomes of it; each further
    kind has another instance of the same class in `further`.
    """

    photo: str
    further: nn.ModuleDict

    def repeat_for(
        self, sides: Sides, dims: Mapping[str, int], *, width: int, same: Callable[..., PhotoModulation]
    ) -> None:
        """Add the kinds of photos after the first, and declare what is read and given.

        Args:
            sides: all photos and the history.
            dims: D by modality.
            width: of what `modulate` gives.
            same: the constructor with all but `dims` filled in.
        """
        self.modalities = (*sides.photos, *sides.history)
        further = {photo: same(dims={m: dims[m] for m in (photo, *sides.history)}) for photo in sides.photos[1:]}
        self.further = nn.ModuleDict(further)
        self.out_dim = width + sum(fusion.out_dim or 0 for fusion in further.values())

    def modulate(self, features: Mapping[str, Features]) -> Tensor:
        """The first kind of photo as the history lets it be read, (B, width).

        Raises:
            ValueError: tokens are read, and the photo's encoder gives none.
        """
        raise NotImplementedError

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        answers = [self.modulate(features)]
        for fusion in self.further.values():
            assert isinstance(fusion, PhotoModulation)
            answers.append(fusion.modulate(features))
        return FusionOutput(fused=torch.cat(answers, dim=-1))
