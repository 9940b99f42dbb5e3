from __future__ import annotations

import pytest
import torch
from torch import nn

from mmskin.features import Features
from mmskin.fusion.concat import ConcatFusion

# GELU(1) = Φ(1) = .8413447, GELU(−1) = −Φ(−1) = −.1586553; a LayerNorm of these two makes them 1 and −1 again.
UP, DOWN = 0.8413447, -0.1586553


def test_by_hand_with_identity_weights() -> None:
    fusion = ConcatFusion({"text": 2, "image": 2}, 3, hidden_dim=2).eval()
    for part in fusion.parts.values():
        assert isinstance(part, nn.Sequential)
        nn.init.eye_(part[1].weight)
        nn.init.zeros_(part[1].bias)
        part[3].weight.data.fill_(0.5)
    # LayerNorm turns (5, 1) into (1, −1) and (2, 10) into (−1, 1).
    features = {"text": Features(torch.tensor([[2.0, 10.0]])), "image": Features(torch.tensor([[5.0, 1.0]]))}
    fused = fusion(features, {}).fused
    torch.testing.assert_close(fused, torch.tensor([[0.5, -0.5, -0.5, 0.5]]), rtol=0.0, atol=1e-4)


def test_by_hand_before_a_joint_layer() -> None:
    fusion = ConcatFusion({"text": 2, "image": 2}, 3, hidden_dim=2, joint_dim=4).eval()
    for part in fusion.parts.values():
        assert isinstance(part, nn.Sequential)
        nn.init.eye_(part[1].weight)
        nn.init.zeros_(part[1].bias)
    fusion.joint = nn.Identity()
    features = {"text": Features(torch.tensor([[2.0, 10.0]])), "image": Features(torch.tensor([[5.0, 1.0]]))}
    torch.testing.assert_close(fusion(features, {}).fused, torch.tensor([[UP, DOWN, DOWN, UP]]), rtol=0.0, atol=1e-5)


def _second_difference(fusion: ConcatFusion) -> torch.Tensor:
    """f(photo 0, note 0) − f(photo 0, note 1) − f(photo 1, note 0) + f(photo 1, note 1)."""
    generator = torch.Generator().manual_seed(0)
    photos, notes = torch.randn(2, 6, generator=generator), torch.randn(2, 4, generator=generator)
    features = {"image": Features(photos[[0, 0, 1, 1]]), "text": Features(notes[[0, 1, 0, 1]])}
    fused: torch.Tensor = fusion(features, {}).fused
    return fused[0] - fused[1] - fused[2] + fused[3]


def test_is_a_sum_over_modalities_unless_a_joint_layer_mixes_them() -> None:
    dims = {"image": 6, "text": 4}
    torch.testing.assert_close(
        _second_difference(ConcatFusion(dims, 3, hidden_dim=8).eval()), torch.zeros(16), atol=1e-6, rtol=0.0
    )
    mixed = _second_difference(ConcatFusion(dims, 3, hidden_dim=8, joint_dim=5).eval())
    assert mixed.shape == (5,)
    assert mixed.abs().max() > 1e-2


def test_one_modality_is_no_concatenation() -> None:
    with pytest.raises(ValueError, match="at least 2 modalities"):
        ConcatFusion({"image": 6}, 3)


def test_joint_dim_is_checked() -> None:
    with pytest.raises(ValueError, match="joint_dim=0"):
        ConcatFusion({"image": 6, "text": 4}, 3, joint_dim=0)
