"""Score-CAM: no gradient, but the answer to the photo seen through each channel of the feature map. Slow.

Wang et al., 2020, "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks", equations 4 to 6:
one forward pass of the whole model for every channel (96 to 2,048), where Grad-CAM takes one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmskin.explain.gradient import Grid, Heat, Score, check_grid, to_heat


def score_cam(tokens: Tensor, grid: Grid, masked_score: Score, *, batch_size: int = 32) -> Heat:
    """ReLU(Σ_k α_k A_k), α the softmax over channels of the score of the photo masked by channel k.

    The paper takes the score of an empty photo off each; a softmax does not see what all have in common.

    Args:
        tokens: (T, D) float, the feature map flattened row by row.
        grid: (h, w) of the map, with h · w = T.
        masked_score: masks (N, h, w) in [0, 1] → (N,), the scores of the photo seen through each of them.
        batch_size: channels at a time.

    Returns:
        (h, w) float32 in [0, 1], the largest value 1 or all 0. A channel that is the same everywhere masks nothing and
        is left out.

    Raises:
        ValueError: shapes that don't fit, or a score that is not finite.
    """
    check_grid(tokens, grid)
    low, high = tokens.amin(dim=0), tokens.amax(dim=0)
    varied = high > low
    if not bool(varied.any()):
        return to_heat(torch.zeros(len(tokens)), grid)
    channels = tokens[:, varied]
    masks = ((channels - low[varied]) / (high - low)[varied]).T.reshape(-1, *grid)
    with torch.no_grad():
        scores = torch.cat([masked_score(masks[i : i + batch_size]) for i in range(0, len(masks), batch_size)])
    if not bool(torch.isfinite(scores).all()):
        raise ValueError("a score is not finite; the model's weights or the photo hold NaN")
    return to_heat(channels @ scores.softmax(dim=0), grid)
