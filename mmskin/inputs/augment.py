"""Training views of a photo: the same lesion, held, lit and focused differently.

View v of a case is drawn from a seed made of (case, v), so that a view is the same in every process, on every day and
in any order, and frozen encoders can keep the features of views on disk. View 0 is the photo itself, for evaluation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Random views of a photo by torchvision's v2 transforms, drawn from a seed, the global generator left as it was.

    The view has the size of the photo. What a rotation brings in from outside is the photo mirrored at its border:
    black corners would tell the network that it sees a training view. Call it from one thread of a process: v2 draws
    from torch's global generator, which threads share.

    Raises:
        ValueError: an option outside its range.
    """

    flip: bool = True
    """Left-right and up-down, each in half of the views: a lesion has no upright side."""
    rotation_degrees: float = 45.0
    """Up to this angle either way. In [0, 180]."""
    zoom: float = 0.3
    """Up to this much larger, e.g. 0.3: the view shows 77 to 100 % of the width. In [0, 1]."""
    shift: float = 0.08
    """Up to this part of each side, either way. In [0, 0.25]."""
    brightness: float = 0.15
    """Multiplies by 1 ± this. In [0, 0.5]."""
    contrast: float = 0.15
    """In [0, 0.5]."""
    saturation: float = 0.15
    """In [0, 0.5]."""
    hue: float = 0.02
    """Part of the colour circle. In [0, 0.1]; small, because colour is a diagnostic sign."""
    blur: float = 0.2
    """Chance of a Gaussian blur with a sigma of 0.2 to 1.5 pixels. In [0, 1]."""
    erase: float = 0.2
    """Chance that a rectangle of 2 to 10 % of the area is blanked with mid grey (Zhong et al., 2020). In [0, 1]."""

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name in _HIGHEST and not 0 <= value <= _HIGHEST[option.name]:
                raise ValueError(f"{option.name} must lie between 0 and {_HIGHEST[option.name]}, however: {value}")

    def moved(self, image: Tensor) -> Tensor:
        """Flips, rotation, zoom and shift, on a photo mirrored outwards just as far as that can reach."""
        height, width = image.shape[-2:]
        rows, columns = (_margin(side, height, width, shift=self.shift) for side in (height, width))
        flips = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()] if self.flip else []
        affine = v2.RandomAffine(
            self.rotation_degrees,
            # v2 counts the shift in sides of what it is given, the mirrored photo
            translate=(self.shift * width / (width + 2 * columns), self.shift * height / (height + 2 * rows)),
            scale=(1, 1 + self.zoom),
            interpolation=InterpolationMode.BILINEAR,
        )
        mirrored = v2.functional.pad(image, [columns, rows], padding_mode="reflect")
        moved: Tensor = v2.Compose([*flips, affine])(mirrored)
        return moved[..., rows : rows + height, columns : columns + width]

    def recoloured(self, image: Tensor) -> Tensor:
        """Light, focus and a blanked rectangle."""
        kernel = 7 if min(image.shape[-2:]) > 3 else 1  # blur mirrors half a kernel at the border
        jitter = v2.ColorJitter(self.brightness, self.contrast, self.saturation, self.hue)
        blur = v2.RandomApply([v2.GaussianBlur(kernel, sigma=(0.2, 1.5))], p=self.blur)
        erase = v2.RandomErasing(self.erase, scale=(0.02, 0.10), value=127)
        view: Tensor = v2.Compose([jitter, blur, erase])(image)
        return view

    def __call__(self, image: Tensor, seed: int) -> Tensor:
        """The view of a photo that belongs to a seed.

        Args:
            image: (3, H, W) uint8.
            seed: as from `view_seed`.

        Returns:
            (3, H, W) uint8, new memory.

        Raises:
            ValueError: the photo is no (3, H, W) uint8 tensor.
        """
        if image.dtype != torch.uint8 or image.ndim != 3 or image.shape[0] != 3:
            raise ValueError(f"a photo must be (3, H, W) uint8, however: {tuple(image.shape)} {image.dtype}")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            view: Tensor = self.recoloured(self.moved(image))
        return view


def _margin(side: int, height: int, width: int, *, shift: float) -> int:
    """How far outside a side any rotation and shift can look, at most one less than the side: pixels."""
    reach = (math.hypot(height, width) - side) / 2 + shift * side
    return min(math.ceil(reach), side - 1)


_HIGHEST = {
    "rotation_degrees": 180,
    "zoom": 1,
    "shift": 0.25,
    "brightness": 0.5,
    "contrast": 0.5,
    "saturation": 0.5,
    "hue": 0.1,
    "blur": 1,
    "erase": 1,
}
