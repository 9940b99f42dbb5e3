from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmskin.features import Features
from mmskin.fusion.channel_gate import ChannelGateFusion

# LayerNorm turns the cells (5, 1) and (1, 5) into (1, −1) and (−1, 1).
CELLS = torch.tensor([[[5.0, 1.0], [1.0, 5.0]]])
PHOTO = Features(CELLS.mean(dim=1), CELLS, torch.ones(1, 2, dtype=torch.bool))
NOTE = Features(torch.tensor([[2.0, 10.0]]))


def _fusion(gate_bias: list[float]) -> ChannelGateFusion:
    """W the identity; the gate σ(gate_bias), whatever the history."""
    fusion = ChannelGateFusion({"image": 2, "text": 2}, 3, hidden_dim=2, gate_dim=2).eval()
    nn.init.eye_(fusion.mix.weight)
    nn.init.zeros_(fusion.mix.bias)
    last = fusion.gate[2]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    last.bias.data = torch.tensor(gate_bias)
    return fusion


def test_by_hand() -> None:
    # g = (σ(0), σ(ln 3)) = (½, ¾). Gated cells (½, −¾) and (−½, ¾).
    # GELU(x) = x Φ(x): GELU(½) = .3457312, GELU(−½) = −.1542688, GELU(¾) = .5800295, GELU(−¾) = −.1699705
    fused = _fusion([0.0, torch.tensor(3.0).log().item()])({"image": PHOTO, "text": NOTE}, {}).fused
    expected = torch.tensor([[(0.3457312 - 0.1542688) / 2, (0.5800295 - 0.1699705) / 2]])
    torch.testing.assert_close(fused, expected, rtol=0.0, atol=1e-5)


def test_an_open_gate_is_plain_pooling_and_a_closed_one_hides_the_photo() -> None:
    # Open: the mean of GELU(1) = .8413447 and GELU(−1) = −.1586553 in both channels. Closed: GELU(0) = 0.
    features = {"image": PHOTO, "text": NOTE}
    torch.testing.assert_close(_fusion([50.0, 50.0])(features, {}).fused, torch.full((1, 2), 0.3413447))
    torch.testing.assert_close(_fusion([-50.0, -50.0])(features, {}).fused, torch.zeros(1, 2))


def test_the_gate_is_an_mlp_of_the_history_written_out() -> None:
    fusion = ChannelGateFusion({"image": 2, "text": 2}, 3, hidden_dim=2, gate_dim=3).eval()
    first, _, last, _ = fusion.gate
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    hidden = (first.weight @ torch.tensor([-1.0, 1.0]) + first.bias).clamp_min(0)
    gate = 1 / (1 + (-(last.weight @ hidden + last.bias)).exp())
    cells = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    expected = F.gelu(gate * cells @ fusion.mix.weight.T + fusion.mix.bias).mean(dim=0)
    torch.testing.assert_close(fusion({"image": PHOTO, "text": NOTE}, {}).fused[0], expected, rtol=0.0, atol=1e-5)


def test_gating_cells_is_not_gating_the_pooled_vector() -> None:
    # A gate followed by the mean is the gate on the mean, and so it is with a ReLU between: it could do without a map.
    gate = torch.tensor([0.5, 0.75])
    cells = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    torch.testing.assert_close((gate * cells).mean(dim=0), gate * cells.mean(dim=0))
    torch.testing.assert_close((gate * cells).relu().mean(dim=0), gate * cells.relu().mean(dim=0))
    # Ours: the gate is no factor of the answer, and a map of the same mean, (0, 0) after LayerNorm, has another one.
    features = {"image": PHOTO, "text": NOTE}
    gated, plain = (_fusion(bias)(features, {}).fused for bias in ([0.0, torch.tensor(3.0).log().item()], [50.0, 50.0]))
    assert (gated - gate * plain).abs().min() > 0.05
    flat = PHOTO._replace(tokens=torch.full((1, 2, 2), 3.0))
    torch.testing.assert_close(_fusion([0.0, 1.0])({**features, "image": flat}, {}).fused, torch.zeros(1, 2))


def test_a_photo_without_tokens_is_named_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"channel_gate needs tokens of 'image'.*choose an encoder"):
        _fusion([0.0, 0.0])({"image": Features(PHOTO.pooled), "text": NOTE}, {})


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [
        ({"text": 5, "metadata": 4}, {}, "the photo must be one side"),
        ({"image": 6, "text": 5}, {"gate_dim": 0}, "gate_dim=0"),
        ({"image": 6, "text": 5}, {"hidden_dim": 0}, "hidden_dim=0"),
    ],
)
def test_what_cannot_be_built_is_refused(dims: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChannelGateFusion(dims, 3, **options)
