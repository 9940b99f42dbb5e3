from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mmskin.explain.gradcam import grad_cam
from mmskin.explain.gradient_x_activation import gradient_x_activation


def test_each_place_counts_by_its_own_gradient() -> None:
    # score = 3·A₀₁ − A₀₂ + 2·A₁₁: products are (3·1 − 1·2, 2·2 + 0) = (1, 4) → (1/4, 1).
    tokens = torch.tensor([[1.0, 2.0], [2.0, 5.0]])
    heat = gradient_x_activation(tokens, (1, 2), lambda t: 3 * t[0, 0, 0] - t[0, 0, 1] + 2 * t[0, 1, 0])
    assert heat == pytest.approx(np.array([[1 / 4, 1]]), abs=1e-6)


def test_where_the_tokens_are_pooled_by_their_mean_it_is_grad_cam() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens, weights = torch.randn(12, 5, generator=generator), torch.randn(5, generator=generator)
    maps = [explain(tokens, (3, 4), lambda t: t.mean(1)[0] @ weights) for explain in (gradient_x_activation, grad_cam)]
    assert maps[0] == pytest.approx(maps[1], abs=1e-6)


def test_a_patch_that_attention_does_not_read_stays_cold() -> None:
    # Two equal tokens; attention reads the second only. Grad-CAM, which averages the gradient, can't tell them apart.
    tokens = torch.ones(2, 3)
    read = torch.tensor([0.0, 1.0])
    assert gradient_x_activation(tokens, (1, 2), lambda t: (read @ t[0]).sum()).tolist() == [[0, 1]]
    assert grad_cam(tokens, (1, 2), lambda t: (read @ t[0]).sum()).tolist() == [[1, 1]]


def test_it_agrees_with_captum_on_a_transformer_layer() -> None:
    from captum.attr import LayerGradientXActivation

    torch.manual_seed(0)
    first, second = (nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).eval() for _ in range(2))
    head, photo = nn.Linear(8, 3), torch.randn(1, 6, 8)

    def logits(given: torch.Tensor) -> torch.Tensor:
        return head(second(first(given)).mean(1))

    expected = LayerGradientXActivation(logits, first).attribute(photo, target=1)[0].sum(-1).relu().detach()
    tokens = first(photo)[0].detach()
    heat = gradient_x_activation(tokens, (2, 3), lambda t: head(second(t).mean(1))[0, 1])
    assert heat.ravel() == pytest.approx((expected / expected.max()).numpy(), abs=1e-5)
