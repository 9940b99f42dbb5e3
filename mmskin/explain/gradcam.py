"""Where in the photo the evidence for a class lies, with the history held fixed: Grad-CAM.

Selvaraju et al., 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", equations 1
and 2. The rest of the model is a function of the tokens, and the patient's history is a constant in it: no hooks are
needed on the score's side, and none can be left behind. captum's LayerGradCam gives the same numbers (tested); it wants
the feature map as the output of a module, which our tokens would have to be wrapped in and out of for it.

The map says which places raise the score, not why, and only as finely as the feature map (7 × 7 for 224 pixels). Where
a fusion ignores the photo, it is all zero.
"""

from __future__ import annotations

from torch import Tensor

from mmskin.explain.gradient import Grid, Heat, Score, gradient_of, to_heat


def grad_cam(tokens: Tensor, grid: Grid, score: Score) -> Heat:
    """The Grad-CAM of one photo: ReLU(Σ_k w_k A_k) with w_k the mean gradient of the score over the map of channel k.

    Args:
        tokens: (T, D) float, the feature map flattened row by row.
        grid: (h, w) of the map, with h · w = T.
        score: the score to explain, a scalar, as a differentiable function of the tokens (1, T, D); usually one logit.
            Where the model reads `pooled` too, score has to make it of the tokens it is given as the encoder does, its
            norm and head included, or a part of the gradient is lost. `FixedHistory` does.

    Returns:
        (h, w) float32 in [0, 1], the largest value 1; all 0 where nothing raises the score, as where the score does not
        depend on the tokens.

    Raises:
        ValueError: shapes that don't fit, a score that is no scalar, or a gradient that is not finite.
    """
    weights = gradient_of(score, tokens, grid).mean(dim=0)
    return to_heat(tokens @ weights, grid)
