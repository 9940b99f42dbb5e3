"""Grad-CAM++: as Grad-CAM, but several places that show the same thing count alike, however small each is.

Chattopadhay et al., 2018, "Grad-CAM++: Generalized Gradient-Based Visual Explanations for Deep Convolutional Networks",
equations 5, 7 and 19. As there, the explained value is Y = exp(S): its second and third derivatives are then
exp(S) g² and exp(S) g³ with g the gradient of the score S, where S is piecewise linear in the map. exp(S) scales the
whole map, and is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmskin.explain.gradient import Grid, Heat, Score, gradient_of, to_heat


def grad_cam_plus_plus(tokens: Tensor, grid: Grid, score: Score) -> Heat:
    """ReLU(Σ_k w_k A_k) with w_k = Σ_t α_tk relu(g_tk) and α_tk = g_tk² / (2 g_tk² + g_tk³ Σ_s A_sk).

    Arguments, result and refusals are those of `grad_cam`. A denominator of 0 counts as 1, as in the authors' code.
    """
    gradient = gradient_of(score, tokens, grid)
    denominator = 2 * gradient**2 + gradient**3 * tokens.sum(dim=0)
    alpha = gradient**2 / torch.where(denominator == 0, 1.0, denominator)
    weights = (alpha * gradient.relu()).sum(dim=0)
    return to_heat(tokens @ weights, grid)
