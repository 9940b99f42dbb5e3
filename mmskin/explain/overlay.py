"""A heat map laid over the photo, at the photo's own size and where the model saw it."""

from __future__ import annotations

import matplotlib
import numpy as np
from PIL import Image

from mmskin.explain.gradient import Heat

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as shares of the photo's width and height."""
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


def overlay(image: Image.Image, cam: Heat, *, seen: Box = WHOLE, opacity: float = 0.45) -> Image.Image:
    """The photo with the map laid over it, blue for 0 to red for 1.

    Args:
        image: the photo, any size.
        cam: (h, w) in [0, 1]; enlarged bilinearly to the part of the photo that was seen.
        seen: the part that the map is of. The rest, which the model never saw, stays as it is.
        opacity: share of the map in the mix. In [0, 1].

    Returns:
        RGB, the size of the photo.

    Raises:
        ValueError: opacity or map values outside [0, 1].
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie between 0 and 1, however: opacity={opacity}")
    photo = image.convert("RGB")
    box = _pixels(seen, photo.size)
    large = enlarged(cam, (box[2] - box[0], box[3] - box[1]))
    colours = matplotlib.colormaps["turbo"](large, bytes=True)[..., :3]
    mixed = Image.blend(photo.crop(box), Image.fromarray(np.ascontiguousarray(colours)), opacity)
    photo.paste(mixed, box[:2])
    return photo


def enlarged(cam: Heat, size: tuple[int, int]) -> Heat:
    """The map at (width, height) pixels, bilinear: (height, width).

    Raises:
        ValueError: map values outside [0, 1].
    """
    if not (cam.min() >= 0 and cam.max() <= 1):
        raise ValueError(f"cam must lie between 0 and 1, however: {cam.min()} to {cam.max()}")
    return np.asarray(Image.fromarray(cam.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))


def _pixels(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box in whole pixels, one pixel wide and high at least."""
    width, height = size
    left, top = min(round(box[0] * width), width - 1), min(round(box[1] * height), height - 1)
    return left, top, max(round(box[2] * width), left + 1), max(round(box[3] * height), top + 1)
