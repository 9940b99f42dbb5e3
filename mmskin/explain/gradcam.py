"""Where in the photo the evidence for a class lies, with the history held fixed: Grad-CAM.

Selvaraju et al., 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", equations 1
and 2. The last feature map is what the image encoder hands out as tokens, so no hooks are needed: the rest of the model
is a function of the tokens, and the patient's history is a constant in it.

The map says which places raise the score, not why, and only as finely as the feature map (7 × 7 for 224 pixels). Where
a fusion ignores the photo, it is all zero.
"""

from __future__ import annotations

from collections.abc import Callable

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor


def grad_cam(tokens: Tensor, grid: tuple[int, int], score: Callable[[Tensor], Tensor]) -> NDArray[np.float32]:
    """The Grad-CAM of one photo: ReLU(Σ_k w_k A_k) with w_k the mean gradient of the score over the map of channel k.

    Args:
        tokens: (T, D) float, the feature map flattened row by row.
        grid: (h, w) of the map, with h · w = T.
        score: the score to explain, a scalar, as a differentiable function of the tokens (1, T, D); usually one logit.
            Where the model reads `pooled` too, score has to make it of the tokens it is given, by the encoder's own
            relation (their mean), or half of the gradient is lost.

    Returns:
        (h, w) float32 in [0, 1], the largest value 1; all 0 where nothing raises the score, as where the score does not
        depend on the tokens.

    Raises:
        ValueError: shapes that don't fit, a score that is no scalar, or a gradient that is not finite.
    """
    height, width = grid
    if tokens.ndim != 2 or tokens.shape[0] != height * width:
        raise ValueError(f"tokens must be (h·w, D), however: tokens {tuple(tokens.shape)}, grid {height} x {width}")
    leaf = tokens.detach()[None].clone().requires_grad_(True)
    with torch.enable_grad():
        value = score(leaf)
        if value.numel() != 1:
            raise ValueError(f"score must give one number, however: it gave {tuple(value.shape)}")
        gradient = _gradient(value, leaf)
    if not bool(torch.isfinite(gradient).all()):
        raise ValueError("the gradient of the score is not finite; the model's weights or the photo hold NaN")
    cam = (leaf.detach()[0] @ gradient[0].mean(dim=0)).relu().view(height, width)
    peak = cam.max()
    normalised = cam / peak if peak > 0 else cam
    return normalised.float().cpu().numpy()


def _gradient(value: Tensor, leaf: Tensor) -> Tensor:
    if not value.requires_grad:  # a constant: the fusion does not look at the photo
        return torch.zeros_like(leaf)
    (gradient,) = torch.autograd.grad(value.sum(), leaf, allow_unused=True)
    return torch.zeros_like(leaf) if gradient is None else gradient


def overlay(image: Image.Image, cam: NDArray[np.float32], *, opacity: float = 0.45) -> Image.Image:
    """The photo with the map laid over it, blue for 0 to red for 1.

    Args:
        image: the photo, any size.
        cam: (h, w) in [0, 1]; enlarged bilinearly to the photo.
        opacity: share of the map in the mix. In [0, 1].

    Returns:
        RGB, the size of the photo.

    Raises:
        ValueError: opacity or a value of cam outside [0, 1].
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie between 0 and 1, however: opacity={opacity}")
    if not (cam.min() >= 0 and cam.max() <= 1):
        raise ValueError(f"cam must lie between 0 and 1, however: {cam.min()} to {cam.max()}")
    photo = image.convert("RGB")
    large = Image.fromarray(cam.astype(np.float32)).resize(photo.size, Image.Resampling.BILINEAR)
    colours = matplotlib.colormaps["turbo"](np.asarray(large), bytes=True)[..., :3]
    return Image.blend(photo, Image.fromarray(np.ascontiguousarray(colours)), opacity)
