"""What the maps that go by the gradient share: the gradient of a score by the tokens, and a map brought to [0, 1]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Grid = tuple[int, int]
Heat = NDArray[np.float32]
"""(h, w) in [0, 1]: how much each cell of the grid raises the score, the largest value 1, or all 0."""
Score = Callable[[Tensor], Tensor]


def gradient_of(score: Score, tokens: Tensor, grid: Grid) -> Tensor:
    """(T, D), the gradient of a score by the tokens; 0 where the score does not depend on them.

    It is taken by a copy of the tokens, so neither they nor the model's parameters keep anything of it.

    Args:
        score: (1, T, D) → one number, differentiable.
        tokens: (T, D) float.
        grid: (h, w) with h · w = T.

    Raises:
        ValueError: shapes that don't fit, a score that is no single number, or a gradient that is not finite.
    """
    check_grid(tokens, grid)
    leaf = tokens.detach()[None].clone().requires_grad_(True)
    with torch.enable_grad():
        value = score(leaf)
        if value.numel() != 1:
            raise ValueError(f"score must give one number, however: it gave {tuple(value.shape)}")
        gradient = _gradient(value, leaf)[0]
    if not bool(torch.isfinite(gradient).all()):
        raise ValueError("the gradient of the score is not finite; the model's weights or the photo hold NaN")
    return gradient


def check_grid(tokens: Tensor, grid: Grid) -> None:
    """Nothing, if the tokens (T, D) are the cells of the grid.

    Raises:
        ValueError: they are not.
    """
    height, width = grid
    if tokens.ndim != 2 or tokens.shape[0] != height * width:
        raise ValueError(f"tokens must be (h·w, D), however: tokens {tuple(tokens.shape)}, grid {height} x {width}")


def to_heat(values: Tensor, grid: Grid) -> Heat:
    """Values of the cells (T,) as a map: what is below 0 becomes 0, the largest 1."""
    heat = values.detach().float().relu().view(grid)
    peak = heat.max()
    return np.asarray((heat / peak if peak > 0 else heat).cpu().numpy(), dtype=np.float32)


def _gradient(value: Tensor, leaf: Tensor) -> Tensor:
    if not value.requires_grad:  # a constant: the fusion does not look at the photo
        return torch.zeros_like(leaf)
    (gradient,) = torch.autograd.grad(value.sum(), leaf, allow_unused=True)
    return torch.zeros_like(leaf) if gradient is None else gradient
