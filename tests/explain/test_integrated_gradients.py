from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn

from mmskin.errors import UserError
from mmskin.explain.integrated_gradients import bound, integrated_gradients


def test_a_linear_score_gives_weight_times_change() -> None:
    # score = 3 + 2 x₁ − x₂ from (1, 1) to (4, −1): 2 · 3 = 6 and −1 · −2 = 2.
    weight = torch.tensor([2.0, -1.0])
    found = integrated_gradients(lambda x: 3 + x @ weight, torch.tensor([4.0, -1.0]), torch.tensor([1.0, 1.0]))
    assert found.attributions.tolist() == pytest.approx([6, 2], abs=1e-5)
    assert (found.score, found.baseline_score) == (12.0, 4.0)
    assert found.steps == 24


def test_a_product_is_shared_as_worked_out_by_hand() -> None:
    # score = x₁² x₂ from 0 to (1, 2). ∂/∂x₁ = 2 x₁ x₂ at α(1, 2) is 4α², its integral 4/3, times 1. ∂/∂x₂ = x₁² is α²,
    # 1/3, times 2. Together 2 = 1² · 2.
    found = integrated_gradients(lambda x: x[:, 0] ** 2 * x[:, 1], torch.tensor([1.0, 2.0]), torch.zeros(2))
    assert found.attributions.tolist() == pytest.approx([4 / 3, 2 / 3], abs=1e-5)


def test_more_steps_are_taken_until_the_sum_is_near_enough() -> None:
    sharp = integrated_gradients(lambda x: torch.sigmoid(200 * (x[:, 0] - 0.513)), torch.ones(1), torch.zeros(1))
    assert sharp.steps > 24
    assert abs(float(sharp.attributions.sum()) - 1) <= bound(1)


def test_a_score_that_does_not_look_gives_zeros() -> None:
    found = integrated_gradients(lambda x: torch.full((len(x),), 0.4), torch.ones(3, 2), torch.zeros(3, 2))
    assert not found.attributions.any()


def test_nothing_is_left_behind() -> None:
    layer = nn.Linear(3, 1)
    before = [parameter.clone() for parameter in layer.parameters()]
    inputs = torch.ones(3)

    def score(rows: Tensor) -> Tensor:
        return layer(rows)[:, 0].tanh()

    with torch.no_grad():
        integrated_gradients(score, inputs, torch.zeros(3))
    assert all(parameter.grad is None for parameter in layer.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, layer.parameters(), strict=True))
    assert not layer._forward_hooks
    assert not layer._backward_hooks
    assert not inputs.requires_grad


def test_small_differences_are_bounded_absolutely() -> None:
    assert bound(-0.4) == pytest.approx(0.004)
    assert bound(0.001) == pytest.approx(0.0005)


def test_without_captum_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(UserError, match=r'pip install "mmskin\[explain\]"'):
        integrated_gradients(lambda x: x[:, 0], torch.ones(1), torch.zeros(1))
