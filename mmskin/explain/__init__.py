"""What an answer rests on: where in the photo, and what in the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from mmskin.explain.gradcam import grad_cam
from mmskin.explain.gradcam_plus_plus import grad_cam_plus_plus
from mmskin.explain.gradient import Grid, Heat, Score
from mmskin.explain.gradient_x_activation import gradient_x_activation

HEATMAPS: Mapping[str, Callable[[Tensor, Grid, Score], Heat]] = {
    "grad_cam": grad_cam,
    "grad_cam_plus_plus": grad_cam_plus_plus,
    "gradient_x_activation": gradient_x_activation,
}
"""(tokens (T, D), grid, score (1, T, D) → scalar) → (h, w) in [0, 1]. `score_cam` stands apart: it masks the photo."""
