from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from mmskin.losses.focal import FocalLoss, sigmoid_focal, softmax_focal

LOGITS = torch.tensor([[math.log(3), 0.0]])  # softmax (.75, .25), sigmoids (.75, .5)


def test_softmax_focal_by_hand() -> None:
    # y = 0: (1 − .75)² × .287682 = .0179801; y = 1: (1 − .25)² × 1.386294 = .7797906; mean .3988854
    loss = FocalLoss([1, 1], gamma=2.0)
    assert loss(LOGITS.repeat(2, 1), torch.tensor([0, 1])).item() == pytest.approx(0.3988854, abs=1e-6)


def test_smoothed_softmax_focal_by_hand() -> None:
    # q = (.9, .1): .9 × .0179801 + .1 × .7797906 = .0941611
    loss = FocalLoss([1, 1], gamma=2.0, label_smoothing=0.2)
    assert loss(LOGITS, torch.tensor([0])).item() == pytest.approx(0.0941611, abs=1e-6)


def test_sigmoid_focal_by_hand() -> None:
    # γ = 1, y = 0. Yes to class 0: .25 × −ln .75 = .0719205; no to class 1: .5 × −ln .5 = .3465736.
    assert sigmoid_focal(LOGITS, torch.tensor([0]), gamma=1.0).item() == pytest.approx(0.4184941, abs=1e-6)


def test_sigmoid_focal_equals_the_published_expression_where_that_is_sound() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(64, 6, generator=generator, dtype=torch.float64) * 4
    target = torch.randint(6, (64,), generator=generator)
    y, gamma = F.one_hot(target, 6).double(), 1.5
    modulator = torch.exp(-gamma * y * logits - gamma * torch.log1p(torch.exp(-logits)))
    published = (modulator * F.binary_cross_entropy_with_logits(logits, y, reduction="none")).sum(dim=1)
    torch.testing.assert_close(sigmoid_focal(logits, target, gamma=gamma), published)


def test_gamma_zero_is_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, target = torch.randn(32, 5, generator=generator), torch.randint(5, (32,), generator=generator)
    for smoothing in (0.0, 0.1):
        expected = F.cross_entropy(logits, target, label_smoothing=smoothing)
        loss = FocalLoss([1] * 5, gamma=0.0, label_smoothing=smoothing)
        torch.testing.assert_close(loss(logits, target), expected)
    binary = F.binary_cross_entropy_with_logits(logits, F.one_hot(target, 5).float(), reduction="none").sum(dim=1)
    torch.testing.assert_close(sigmoid_focal(logits, target, gamma=0.0), binary)


def test_a_positive_far_below_zero_keeps_its_full_loss_and_gradient() -> None:
    # exp(−z) overflows float32 below −88.7, where the published modulator becomes 0 instead of 1.
    logits = torch.tensor([[-100.0, -100.0]], requires_grad=True)
    loss = sigmoid_focal(logits, torch.tensor([0]), gamma=2.0)
    loss.sum().backward()
    assert loss.item() == pytest.approx(100.0)
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.tensor([[-1.0, 0.0]]))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_a_sure_case_has_a_finite_gradient(gamma: float) -> None:
    # At p = 1 in float32 the slope of (1 − p)^γ is infinite below γ = 1.
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    softmax_focal(logits, torch.tensor([0]), gamma=gamma, label_smoothing=0.1).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("focal", [softmax_focal, sigmoid_focal])
def test_gradients_agree_with_finite_differences(focal: Callable[..., torch.Tensor]) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0, 1, 2, 0])
    for gamma in (0.5, 2.0):
        assert torch.autograd.gradcheck(
            lambda z, g=gamma: focal(z, target, gamma=g, label_smoothing=0.1),
            (logits,),
        )


def test_right_cases_fade_and_wrong_ones_do_not() -> None:
    target = torch.tensor([0])
    sure, wrong = torch.tensor([[5.0, 0.0]]), torch.tensor([[-5.0, 0.0]])
    kept = [softmax_focal(z, target, gamma=2.0) / softmax_focal(z, target, gamma=0.0) for z in (sure, wrong)]
    assert kept[0] < 1e-4
    assert kept[1] > 0.98
