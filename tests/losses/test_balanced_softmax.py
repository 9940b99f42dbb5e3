from __future__ import annotations

import math

import pytest
import torch

from mmskin.losses.balanced_softmax import BalancedSoftmaxLoss
from mmskin.losses.cross_entropy import CrossEntropyLoss
from mmskin.losses.logit_adjusted import LogitAdjustedLoss

PAD = [845, 730, 244, 235, 192, 52]  # BCC ACK NEV SEK SCC MEL


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(40, 6, generator=generator), torch.randint(6, (40,), generator=generator)


def test_by_hand() -> None:
    # n = (3, 1), e^z = (2, 1): shares 3 × 2 / (6 + 1) = 6/7 and 1/7; (.1541507 + 1.9459101) / 2 = 1.0500304
    loss = BalancedSoftmaxLoss([3, 1])
    logits = torch.tensor([[math.log(2), 0.0]]).repeat(2, 1)
    assert loss(logits, torch.tensor([0, 1])).item() == pytest.approx(1.0500304, abs=1e-6)


def test_the_plain_softmax_answers() -> None:
    probs = BalancedSoftmaxLoss([3, 1]).probabilities(torch.tensor([[math.log(2), 0.0]]))
    torch.testing.assert_close(probs, torch.tensor([[2 / 3, 1 / 3]]))


def test_equal_counts_make_it_cross_entropy() -> None:
    logits, target = _batch()
    for smoothing in (0.0, 0.1):
        plain = CrossEntropyLoss([7] * 6, label_smoothing=smoothing)
        balanced = BalancedSoftmaxLoss([7] * 6, label_smoothing=smoothing)
        torch.testing.assert_close(balanced(logits, target), plain(logits, target))


def test_it_is_the_logit_adjusted_loss_at_tau_one() -> None:
    logits, target = _batch()
    torch.testing.assert_close(BalancedSoftmaxLoss(PAD)(logits, target), LogitAdjustedLoss(PAD)(logits, target))


def test_it_answers_as_if_classes_were_equally_frequent() -> None:
    # All that can be learned without looking: the gradient vanishes where all logits are equal.
    loss = BalancedSoftmaxLoss([6, 3, 1])
    logits = torch.zeros(3, requires_grad=True)
    loss(logits.expand(10, 3), torch.repeat_interleave(torch.arange(3), torch.tensor([6, 3, 1]))).backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(3), atol=1e-6, rtol=0.0)
    torch.testing.assert_close(loss.prior(), torch.full((3,), 1 / 3))
