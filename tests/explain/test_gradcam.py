from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmskin.explain.gradcam import grad_cam


def test_a_linear_score_of_the_mean_gives_the_map_worked_out_by_hand() -> None:
    # Two channels on a 1 × 4 map, score = 2 · mean(A₁) − 1 · mean(A₂). The gradient is (2, −1)/4 at every place, so is
    # its mean; cam = relu(2·A₁ − A₂)/4 = relu(2, 3, −1, 0)/4, divided by its largest value: 2/3, 1, 0, 0.
    tokens = torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 1.0], [1.0, 2.0]])
    cam = grad_cam(tokens, (1, 4), lambda t: t.mean(1)[0] @ torch.tensor([2.0, -1.0]))
    assert cam == pytest.approx(np.array([[2 / 3, 1, 0, 0]]), abs=1e-6)
    assert cam.dtype == np.float32


def test_weights_are_the_mean_gradient_over_the_map_and_not_the_gradient_of_each_place() -> None:
    # score = 3 · A at place 0 only: gradient (3, 0), mean 1.5, cam = 1.5 · (1, 2) → (1/2, 1), not (1, 0).
    cam = grad_cam(torch.tensor([[1.0], [2.0]]), (2, 1), lambda t: 3 * t[0, 0, 0])
    assert cam.tolist() == [[0.5], [1.0]]


def test_rows_of_the_grid_follow_the_order_of_the_tokens() -> None:
    tokens = torch.arange(6.0).view(6, 1)
    assert grad_cam(tokens, (2, 3), lambda t: t.sum()) == pytest.approx(np.arange(6).reshape(2, 3) / 5)


def test_it_agrees_with_hooks_on_a_cnn() -> None:
    # The usual way, written out: hooks on the last convolution, gradients by backward.
    generator = torch.Generator().manual_seed(1)
    trunk = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 5, 3, stride=2, padding=1))
    head = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))
    for parameter in (*trunk.parameters(), *head.parameters()):
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.5
    photo = torch.randn(1, 3, 20, 28, generator=generator)
    maps: list[Tensor] = []
    gradients: list[Tensor] = []
    trunk[2].register_forward_hook(lambda module, inputs, output: maps.append(output))
    trunk[2].register_full_backward_hook(lambda module, inputs, outputs: gradients.append(outputs[0]))
    head(trunk(photo).mean(dim=(2, 3)))[0, 1].backward()
    expected = F.relu((gradients[0].mean(dim=(2, 3), keepdim=True) * maps[0]).sum(1))[0].detach()

    tokens = maps[0][0].detach().flatten(1).T
    cam = grad_cam(tokens, (5, 7), lambda t: head(t.mean(dim=1))[0, 1])
    assert cam == pytest.approx((expected / expected.max()).numpy(), abs=1e-5)


@pytest.mark.parametrize("score", [lambda t: torch.tensor(1.0), lambda t: t.sum() * 0, lambda t: -t.sum()])
def test_where_nothing_raises_the_score_the_map_is_zero_and_not_nan(score: object) -> None:
    cam = grad_cam(torch.ones(6, 2), (2, 3), score)  # type: ignore[arg-type]
    assert cam.tolist() == [[0.0] * 3] * 2


def test_a_score_that_depends_on_the_history_only_gives_zero() -> None:
    history = torch.ones(2, requires_grad=True)
    assert not grad_cam(torch.ones(4, 3), (2, 2), lambda t: history.sum()).any()


def test_it_works_where_gradients_are_off_and_leaves_none_behind() -> None:
    weight = nn.Parameter(torch.ones(1))
    tokens = torch.ones(4, 1)
    with torch.no_grad():
        cam = grad_cam(tokens, (2, 2), lambda t: (t.mean(1) @ weight)[0])
    assert cam.min() == 1
    assert weight.grad is None
    assert not tokens.requires_grad


def test_misfits_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tokens \(6, 2\), grid 2 x 2"):
        grad_cam(torch.ones(6, 2), (2, 2), lambda t: t.sum())
    with pytest.raises(ValueError, match=r"one number, however: it gave \(2,\)"):
        grad_cam(torch.ones(4, 2), (2, 2), lambda t: t.sum(dim=(0, 1)))
    with pytest.raises(ValueError, match="not finite"):
        grad_cam(torch.zeros(4, 2), (2, 2), lambda t: t.sqrt().sum())
