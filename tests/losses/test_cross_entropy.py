from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from mmskin.losses.cross_entropy import CrossEntropyLoss, WeightedCrossEntropyLoss

LOGITS = torch.tensor([[math.log(3), 0.0]])  # p = (.75, .25)


def test_cross_entropy_by_hand() -> None:
    loss = CrossEntropyLoss([3, 1])
    # (−ln .75 − ln .25) / 2 = (.287682 + 1.386294) / 2
    assert loss(LOGITS.repeat(2, 1), torch.tensor([0, 1])).item() == pytest.approx(0.836988, abs=1e-6)


def test_label_smoothing_by_hand() -> None:
    # q = (.9, .1): .9 × .287682 + .1 × 1.386294 = .397543; weighted by .5: .198772
    assert CrossEntropyLoss([3, 1], label_smoothing=0.2)(LOGITS, torch.tensor([0])).item() == pytest.approx(
        0.397543, abs=1e-6
    )
    weighted = WeightedCrossEntropyLoss([3, 1], label_smoothing=0.2)
    assert weighted(LOGITS, torch.tensor([0])).item() == pytest.approx(0.198772, abs=1e-6)


def test_weighted_cross_entropy_divides_by_the_batch_unlike_torch() -> None:
    # w ∝ (1/3, 1), sum 2: (.5, 1.5). Cases 0, 1, 1: .5 × .287682 + 2 × 1.5 × 1.386294 = 4.302724.
    loss, logits, target = WeightedCrossEntropyLoss([3, 1]), LOGITS.repeat(3, 1), torch.tensor([0, 1, 1])
    assert loss(logits, target).item() == pytest.approx(4.302724 / 3, abs=1e-6)
    by_torch = F.cross_entropy(logits, target, weight=torch.tensor([0.5, 1.5]))
    assert by_torch.item() == pytest.approx(4.302724 / 3.5, abs=1e-6)


def test_priors_are_the_training_shares_and_uniform() -> None:
    torch.testing.assert_close(CrossEntropyLoss([3, 1]).prior(), torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(WeightedCrossEntropyLoss([3, 1]).prior(), torch.tensor([0.5, 0.5]))


@pytest.mark.parametrize("loss_class", [CrossEntropyLoss, WeightedCrossEntropyLoss])
def test_without_inputs_the_minimum_is_the_prior(
    loss_class: type[CrossEntropyLoss] | type[WeightedCrossEntropyLoss],
) -> None:
    # All that can be learned without looking is the class shares as the loss weighs them: the gradient is 0 there.
    counts = [6, 3, 1]
    loss = loss_class(counts)
    target = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
    logits = loss.prior().log().requires_grad_()
    loss(logits.expand(10, 3), target).backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(3), atol=1e-6, rtol=0.0)
