from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mmskin.model.photo_pooling import AttentionPooling, mean_by_case


def attention(dim: int = 5, *, seed: int = 0) -> AttentionPooling:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return AttentionPooling(dim, hidden_dim=4)


def photos(count: int, *, dim: int = 5, seed: int = 1) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed)) * 3


def test_the_mean_of_each_case_and_zeros_for_a_case_without_photos() -> None:
    pooled = torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, 5.0]])
    assert mean_by_case(pooled, torch.tensor([0, 0, 2]), 4).tolist() == [[2, 4], [0, 0], [5, 5], [0, 0]]


def test_equation_9_by_hand() -> None:
    """V = (1 0), U = (0 1). The photos of case 0 are (0, 0) and (ln 2, ln 3).

    tanh(ln 2) = (4 - 1) / (4 + 1) = 0.6 and sigm(ln 3) = 3 / (3 + 1) = 0.75, so the second one's gated content is
    0.45, and that of the first one 0 · 0.5 = 0. With w = ln 3 / 0.45 the scores are 0 and ln 3, the weights 1/4 and
    3/4, and z = 3/4 · (ln 2, ln 3). Case 1 has one photo.
    """
    pool = AttentionPooling(2, hidden_dim=1)
    pool.content.weight.data = torch.tensor([[1.0, 0.0]])
    pool.gate.weight.data = torch.tensor([[0.0, 1.0]])
    pool.score.weight.data = torch.tensor([[math.log(3) / 0.45]])
    pooled = torch.tensor([[0.0, 0.0], [math.log(2), math.log(3)], [7.0, -7.0]])
    index = torch.tensor([0, 0, 1])
    assert pool.weights(pooled, index, 2).tolist() == pytest.approx([0.25, 0.75, 1.0])
    assert pool(pooled, index, 2)[0].tolist() == pytest.approx([0.75 * math.log(2), 0.75 * math.log(3)])
    assert pool(pooled, index, 2)[1].tolist() == [7.0, -7.0]


def test_the_weights_of_a_case_are_a_softmax_of_its_own_scores() -> None:
    pool, pooled, index = attention(), photos(6), torch.tensor([0, 0, 0, 1, 3, 3])
    scores = (
        torch.tanh(pooled @ pool.content.weight.T) * torch.sigmoid(pooled @ pool.gate.weight.T)
    ) @ pool.score.weight[0]
    expected = torch.cat([scores[:3].softmax(0), scores[3:4].softmax(0), scores[4:].softmax(0)])
    torch.testing.assert_close(pool.weights(pooled, index, 4), expected)
    torch.testing.assert_close(pool(pooled, index, 4)[0], expected[:3] @ pooled[:3])


def test_one_photo_is_itself_to_the_bit_beside_cases_of_two_and_of_none() -> None:
    pool, pooled = attention(), photos(4)
    answer = pool(pooled, torch.tensor([0, 2, 2, 3]), 5)
    assert torch.equal(answer[0], pooled[0])
    assert torch.equal(answer[3], pooled[3])
    assert torch.equal(answer[[1, 4]], torch.zeros(2, 5))


def test_equal_photos_are_that_photo() -> None:
    pooled = photos(1).expand(4, -1)
    torch.testing.assert_close(attention()(pooled, torch.zeros(4, dtype=torch.int64), 1)[0], pooled[0])


def test_neither_order_nor_other_cases_matter() -> None:
    pool, pooled = attention(), photos(5)
    together = pool(pooled, torch.tensor([0, 0, 0, 1, 1]), 2)
    turned = pool(pooled[[2, 0, 1, 4, 3]], torch.tensor([0, 0, 0, 1, 1]), 2)
    alone = pool(pooled[3:], torch.tensor([0, 0]), 1)
    torch.testing.assert_close(turned, together)
    torch.testing.assert_close(alone[0], together[1], rtol=0, atol=1e-6)


def test_scores_beyond_the_range_of_exp_are_weighed() -> None:
    pool = attention()
    pool.score.weight.data *= 1e4
    weights = pool.weights(photos(3), torch.tensor([0, 0, 0]), 1)
    assert weights.sum().item() == pytest.approx(1)
    assert pool(photos(3), torch.tensor([0, 0, 0]), 1).isfinite().all()


def test_gradients_are_those_of_the_formula() -> None:
    pool = attention().double()
    pooled = photos(3).double().requires_grad_()
    index = torch.tensor([0, 0, 1])
    assert torch.autograd.gradcheck(lambda x: pool(x, index, 2), pooled)
    for name, parameter in pool.named_parameters():
        [gradient] = torch.autograd.grad(pool(pooled, index, 2)[0].sum(), parameter)
        assert (gradient != 0).any(), name


def test_runs_in_half_precision_and_one_photo_stays_itself() -> None:
    pool, pooled, index = attention(), photos(3), torch.tensor([0, 0, 1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = pool(pooled.bfloat16(), index, 2)
    assert half.dtype == torch.bfloat16
    assert torch.equal(half[1], pooled[2].bfloat16())
    # bfloat16 keeps eight bits: 1 % of values of order 3, a few times over.
    torch.testing.assert_close(half.float(), pool(pooled, index, 2), rtol=0.05, atol=0.1)
