"""LayerCAM: a map at an earlier, finer stage of a CNN, where each place has a weight of its own.

Jiang et al., 2021, "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization", equations 4 to 6:
ReLU(Σ_k ReLU(g_k) ∘ A_k), with g_k the gradient of the score by the map A_k of channel k. Grad-CAM gives a channel one
weight for the whole map, which holds for the last stage, whose map is pooled by its mean, and for no stage before it.
The stage before the last has 14 × 14 cells for 224 pixels where the last has 7 × 7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmskin.explain.gradient import Heat, to_heat


def layer_cam(stage: nn.Module, pixels: Tensor, score: Callable[[Tensor], Tensor]) -> Heat:
    """The map of one photo.

    Args:
        stage: a module of the photo's encoder whose output is (B, C, h, w).
        pixels: (3, H, W), the photo prepared for the encoder.
        score: (1, 3, H, W) → one number, differentiable; it must run the stage once.

    Returns:
        (h, w) float32 in [0, 1], the largest value 1; all 0 where nothing raises the score.

    Raises:
        ValueError: a gradient that is not finite.
    """
    maps: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        maps.append(output)

    handle = stage.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            value = score(pixels[None].clone().requires_grad_(True)).sum()  # a graph, frozen as the encoder may be
            (gradient,) = torch.autograd.grad(value, maps[0], allow_unused=True)
    finally:
        handle.remove()
    if gradient is None:  # the fusion does not look at the photo
        gradient = torch.zeros_like(maps[0])
    if not bool(torch.isfinite(gradient).all()):
        raise ValueError("the gradient of the score is not finite; the model's weights or the photo hold NaN")
    heat = (gradient.relu() * maps[0]).sum(dim=1)[0]
    return to_heat(heat.flatten(), (int(heat.shape[0]), int(heat.shape[1])))
