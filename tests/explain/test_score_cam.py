from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mmskin.explain.score_cam import score_cam


def test_channels_are_weighed_by_the_softmax_of_what_is_seen_through_them() -> None:
    # A₁ = (0, 4), A₂ = (2, 0); as masks (0, 1) and (1, 0). The score sees ln 3 in the right cell and 0 in the left, so
    # the scores are ln 3 and 0 and the weights 3/4 and 1/4. cam = (2/4, 4·3/4) = (1/2, 3) → (1/6, 1).
    tokens = torch.tensor([[0.0, 2.0], [4.0, 0.0]])
    seen: list[Tensor] = []

    def score(masks: Tensor) -> Tensor:
        seen.append(masks)
        return masks.flatten(1) @ torch.tensor([0.0, math.log(3)])

    assert score_cam(tokens, (1, 2), score) == pytest.approx(np.array([[1 / 6, 1]]), abs=1e-6)
    assert seen[0].tolist() == [[[0, 1]], [[1, 0]]]


def test_the_size_of_a_batch_does_not_matter_and_flat_channels_are_left_out() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.rand(6, 5, generator=generator)
    with_flat = torch.cat([tokens, torch.full((6, 1), 7.0)], dim=1)

    def score(masks: Tensor) -> Tensor:
        return (masks.flatten(1) ** 2).sum(1)

    whole = score_cam(tokens, (2, 3), score)
    assert score_cam(with_flat, (2, 3), score, batch_size=2) == pytest.approx(whole, abs=1e-6)
    assert not score_cam(torch.ones(6, 2), (2, 3), score).any()


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="a score is not finite"):
        score_cam(torch.tensor([[0.0], [1.0]]), (1, 2), lambda masks: torch.full((len(masks),), math.nan))
