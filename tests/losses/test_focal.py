from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax
from torch.nn import functional as F

from mmskin.losses.focal import FocalLoss, sigmoid_focal, softmax_focal, softmax_focal_posterior

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


def _least_risk(eta: NDArray[np.float64], *, gamma: float) -> NDArray[np.float64]:
    """The probabilities with the least expected focal loss, found by scipy from equal ones."""

    def risk(z: NDArray[np.float64]) -> float:
        v = softmax(np.append(z, 0.0))
        return float(-(eta * (1 - v) ** gamma * np.log(v)).sum())

    found = minimize(risk, np.zeros(len(eta) - 1), method="BFGS", options={"gtol": 1e-8})
    return np.asarray(softmax(np.append(found.x, 0.0)))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("num_classes", [2, 6])
def test_the_posterior_of_the_least_risk_are_the_class_shares(gamma: float, num_classes: int) -> None:
    rng = np.random.default_rng(0)
    for eta in rng.dirichlet(np.full(num_classes, 0.8), size=5):
        v = _least_risk(eta, gamma=gamma)
        posterior = softmax_focal_posterior(torch.tensor(v).log()[None], gamma=gamma).exp()[0]
        assert posterior.numpy() == pytest.approx(
            eta, abs=1e-5
        )  # as far as the minimiser comes; v is off by 2e-3 to .2


def test_the_posterior_by_hand() -> None:
    # γ = 1, v = (.6, .4): v / (1 − v − v ln v) is .6 / (.4 + .6 × .510826) = .849262 and .4 / (.6 + .4 × .916291) =
    # .413857; over their sum .672353. So .672 of the cases must be of class 0 before the softmax is led to say .6.
    log_posterior = FocalLoss([1, 1], gamma=1.0).log_posterior(torch.tensor([[0.6, 0.4]], dtype=torch.float64).log())
    assert log_posterior.exp()[0, 0].item() == pytest.approx(0.672353, abs=1e-6)


def test_the_posterior_equals_the_published_expression_where_that_is_sound() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(64, 6, generator=generator, dtype=torch.float64) * 3
    for gamma in (0.5, 1.0, 2.0, 3.0):
        v = logits.softmax(dim=1)
        h = v / ((1 - v) ** gamma - gamma * (1 - v) ** (gamma - 1) * v * v.log())
        found = softmax_focal_posterior(logits, gamma=gamma)
        torch.testing.assert_close(found.exp(), h / h.sum(dim=1, keepdim=True), rtol=1e-9, atol=1e-12)


def test_at_gamma_zero_the_posterior_is_the_softmax() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(32, 5, generator=generator)
    torch.testing.assert_close(FocalLoss([1] * 5, gamma=0.0).log_posterior(logits), logits.log_softmax(dim=1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_of_a_sure_case_the_log_odds_are_one_plus_gamma_times_as_large(dtype: torch.dtype) -> None:
    # v = (1 − r, r) with r → 0: h is r^−γ / (1 + γ) and r, so log h_0 / h_1 = (1 + γ) log 1/r − log(1 + γ). At
    # logits 200 apart r is e^−200: 1 − r is 1 in any float, and r is 0 in float32.
    logits = torch.tensor([[200.0, 0.0]], dtype=dtype)
    log_posterior = FocalLoss([1, 1], gamma=2.0).log_posterior(logits)
    assert (log_posterior[0, 0] - log_posterior[0, 1]).item() == pytest.approx(600 - math.log(3), abs=1e-4)


def test_the_posterior_is_the_same_on_both_sides_of_one_half() -> None:
    # Where the two ways of computing meet, and far from it: float32 agrees with float64, which has digits to spare.
    logits = torch.linspace(-30, 30, 2001, dtype=torch.float64)[:, None] * torch.tensor([1.0, 0.0, -0.3])
    for gamma in (0.5, 2.0):
        precise = softmax_focal_posterior(logits, gamma=gamma)
        torch.testing.assert_close(
            softmax_focal_posterior(logits.float(), gamma=gamma).double(), precise, rtol=1e-5, atol=1e-5
        )
        assert ((precise[:, 0] - precise[:, 2]).diff() > 0).all()  # more for class 0 is more of its posterior


def test_gradients_of_the_posterior_agree_with_finite_differences_and_are_finite_at_the_ends() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: softmax_focal_posterior(z, gamma=1.5), (logits,))
    for scale in (50.0, 1e4):
        extreme = torch.tensor([[1.0, 0.5, 0.0]]).mul(scale).requires_grad_()
        (softmax_focal_posterior(extreme, gamma=0.5) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
        assert extreme.grad is not None
        assert extreme.grad.isfinite().all()
