"""A photo as an image encoder wants it: one size, one scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mmskin.encoders.colour_constancy import shades_of_gray
from mmskin.errors import ConfigError, ImageError

Resize = Literal["squash", "crop"]
Colour = Literal["as_taken", "shades_of_gray"]


@dataclass(frozen=True)
class PreparePhoto:
    """uint8 RGB (3, H, W) of any size → {"pixels": float32 (3, S_h, S_w), normalised}.

    size: (height, width) in pixels.
    mean, std: of pixels scaled to [0, 1], by channel.
    interpolation: "bilinear", "bicubic" or another of torchvision's; always antialiased.
    resize: "squash" brings the whole photo to the size and may change its aspect, which is the published recipe on
        PAD-UFES-20 and cuts no lesion off; "crop" keeps the aspect and takes the centre, as ImageNet models were
        evaluated.
    crop_share: with "crop", the share of the resized shorter side that is kept, in (0, 1].
    colour: "shades_of_gray" evens the colour of the light out, see `colour_constancy`; in training after augmentation,
        and in every answer.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"
    resize: Resize = "squash"
    crop_share: float = 1.0
    colour: Colour = "as_taken"

    def __post_init__(self) -> None:
        if self.colour not in ("as_taken", "shades_of_gray"):
            raise ConfigError(f'colour must be "as_taken" or "shades_of_gray", however: colour={self.colour!r}')
        if self.resize not in ("squash", "crop"):
            raise ConfigError(f'resize must be "squash" or "crop", however: resize={self.resize!r}')

    def __call__(self, photo: Tensor) -> dict[str, Tensor]:
        from torchvision.transforms.v2 import functional

        if photo.dtype != torch.uint8 or photo.ndim != 3 or photo.shape[0] != 3:
            raise ImageError(
                f"a photo must be a uint8 RGB tensor of shape (3, H, W), however: {photo.dtype} {tuple(photo.shape)}"
            )
        photo = shades_of_gray(photo) if self.colour == "shades_of_gray" else photo
        resized = functional.resize_image(photo, self._resized(*photo.shape[1:]), self._interpolation(), antialias=True)
        if self.resize == "crop":
            resized = functional.center_crop_image(resized, list(self.size))
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self.mean, self.std))
        return {"pixels": (resized.float() / 255 - mean) / std}

    def seen(self, height: int, width: int) -> tuple[float, float, float, float]:
        """The part of a photo (H, W) that is kept: left, top, right and bottom as shares of its width and height."""
        if self.resize == "squash":
            return (0.0, 0.0, 1.0, 1.0)
        resized = self._resized(height, width)
        # As center_crop_image rounds.
        top, left = (round((side - kept) / 2) for side, kept in zip(resized, self.size, strict=True))
        bottom, right = top + self.size[0], left + self.size[1]
        return left / resized[1], top / resized[0], right / resized[1], bottom / resized[0]

    def _resized(self, height: int, width: int) -> list[int]:
        """Height and width before the crop."""
        if self.resize == "squash":
            return list(self.size)
        scale = max(self.size[0] / height, self.size[1] / width) / self.crop_share
        # Rounding may take away the pixel that the crop still needs.
        return [max(side, math.floor(scale * length)) for side, length in zip(self.size, (height, width), strict=True)]

    def _interpolation(self) -> object:
        from torchvision.transforms import InterpolationMode

        return InterpolationMode(self.interpolation)
