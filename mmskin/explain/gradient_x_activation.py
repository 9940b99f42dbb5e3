"""Gradient × activation, for transformers: what each patch's own token adds to the score.

Grad-CAM averages the gradient over the map, because in a CNN that is pooled by its mean every place has the same one.
In a transformer attention has chosen already which patches are read, and each token has a gradient of its own: the
average would throw away just that. The product, Σ_d g_td A_td, is the rate at which the score grows when the token of
patch t is scaled up. Source: Shrikumar et al., 2016, "Not Just a Black Box", section 3 (gradient × input), on a layer;
captum's LayerGradientXActivation summed over channels.
"""

from __future__ import annotations

from torch import Tensor

from mmskin.explain.gradient import Grid, Heat, Score, gradient_of, to_heat


def gradient_x_activation(tokens: Tensor, grid: Grid, score: Score) -> Heat:
    """ReLU(Σ_d g_td A_td). Arguments, result and refusals are those of `grad_cam`."""
    return to_heat((tokens * gradient_of(score, tokens, grid)).sum(dim=1), grid)
