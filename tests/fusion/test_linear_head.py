from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mmskin.fusion.linear_head import linear_head


def test_by_hand() -> None:
    head = linear_head(8, 1).eval()
    nn.init.constant_(head[-1].weight, 1.0)
    head[-1].weight.data[0, 4:] = 0.0
    nn.init.zeros_(head[-1].bias)
    # Mean 3 and deviation 1 (values 2 and 4): the first four become −1.
    vector = torch.tensor([[2.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 4.0]])
    assert head(vector).item() == pytest.approx(-4.0, abs=1e-3)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_the_scale_of_an_encoder_does_not_matter(scale: float) -> None:
    def logits(vectors: Tensor) -> Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            answer: Tensor = linear_head(16, 3, hidden_dim=4).eval()(vectors)
            return answer

    vectors = torch.randn(5, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(logits(vectors * scale + 7.0), logits(vectors), atol=1e-3, rtol=0.0)


def test_of_a_narrow_vector_everything_is_read() -> None:
    # A LayerNorm of one number would be 0 whatever it is.
    head = linear_head(1, 1).eval()
    assert head(torch.tensor([[1.0]])).item() != head(torch.tensor([[3.0]])).item()
    assert not any(isinstance(part, nn.LayerNorm) for part in head)
