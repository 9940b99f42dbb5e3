from __future__ import annotations

import numpy as np
import pytest
import torch

from mmskin.explain.gradcam import grad_cam
from mmskin.explain.gradcam_plus_plus import grad_cam_plus_plus


def test_a_linear_score_gives_the_map_worked_out_by_hand() -> None:
    # Two channels on a 1 × 2 map, A₁ = (1, 3), A₂ = (2, 0), score = 2·mean(A₁) + 4·mean(A₂): g = (1, 2) at both places.
    # α₁ = 1/(2·1 + 1·4) = 1/6, α₂ = 4/(2·4 + 8·2) = 1/6. w₁ = 2·(1/6)·1 = 1/3, w₂ = 2·(1/6)·2 = 2/3.
    # cam = (1/3 + 4/3, 3/3) = (5/3, 1) → (1, 3/5). Grad-CAM weighs by (1, 2): (5, 3), here the same.
    tokens = torch.tensor([[1.0, 2.0], [3.0, 0.0]])
    cam = grad_cam_plus_plus(tokens, (1, 2), lambda t: t.mean(1)[0] @ torch.tensor([2.0, 4.0]))
    assert cam == pytest.approx(np.array([[1, 3 / 5]]), abs=1e-6)
    assert cam.dtype == np.float32


def test_a_channel_that_is_warm_in_few_places_counts_for_more_than_in_grad_cam() -> None:
    # Four places; channel 1 is warm at one, A₁ = (1, 0, 0, 0), channel 2 at three, A₂ = (0, 1, 1, 1); g = 1 everywhere.
    # Grad-CAM: weights (1, 1), all places alike. Grad-CAM++: α₁ = 1/(2 + 1) = 1/3, α₂ = 1/(2 + 3) = 1/5, w = 4α:
    # cam ∝ (1/3, 1/5, 1/5, 1/5) → (1, 3/5, 3/5, 3/5).
    tokens = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    assert grad_cam(tokens, (2, 2), lambda t: t.sum()).tolist() == [[1, 1], [1, 1]]
    plus = grad_cam_plus_plus(tokens, (2, 2), lambda t: t.sum())
    assert plus == pytest.approx(np.array([[1, 3 / 5], [3 / 5, 3 / 5]]), abs=1e-6)


def test_negative_gradients_do_not_count() -> None:
    # g = (2, −1): only channel 1 has a weight, however large channel 2 is.
    tokens = torch.tensor([[1.0, 50.0], [2.0, 0.0]])
    cam = grad_cam_plus_plus(tokens, (2, 1), lambda t: t.sum(1)[0] @ torch.tensor([2.0, -1.0]))
    assert cam.tolist() == [[0.5], [1.0]]


def test_a_denominator_of_zero_and_a_score_that_is_constant_give_no_nan() -> None:
    # g = 1, Σ A = −2: 2·1 + 1·(−2) = 0.
    assert np.isfinite(grad_cam_plus_plus(torch.tensor([[-3.0], [1.0]]), (1, 2), lambda t: t.sum())).all()
    assert not grad_cam_plus_plus(torch.ones(4, 2), (2, 2), lambda t: torch.tensor(1.0)).any()
