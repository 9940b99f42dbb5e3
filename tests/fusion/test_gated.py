from __future__ import annotations

from typing import Any

import pytest
import torch

from mmskin.features import Features
from mmskin.fusion.gated import GatedFusion

# LayerNorm turns (5, 1) into (1, −1), (2, 10) into (−1, 1), (7, 3) into (1, −1). tanh(1) = .7615942
PHOTO, NOTE, FIELDS = torch.tensor([[5.0, 1.0]]), torch.tensor([[2.0, 10.0]]), torch.tensor([[7.0, 3.0]])
FEATURES = {"image": Features(PHOTO), "text": Features(NOTE), "metadata": Features(FIELDS)}
TANH = 0.7615942


def _fusion(*modalities: str, gate_bias: list[float], gate_weight: float = 0.0) -> GatedFusion:
    """W_m the identity; every unit's gate σ(weight · (first entry of the first modality) + bias)."""
    fusion = GatedFusion(dict.fromkeys(modalities, 2), 3, hidden_dim=2).eval()
    for m in modalities:
        torch.nn.init.eye_(fusion.hidden[m].weight)
        torch.nn.init.zeros_(fusion.hidden[m].bias)
    torch.nn.init.zeros_(fusion.gate.weight)
    fusion.gate.weight.data[:, 0] = gate_weight
    fusion.gate.bias.data = torch.tensor(gate_bias)
    return fusion


def test_two_modalities_share_a_gate_by_hand() -> None:
    # h_image = (.76, −.76), h_text = (−.76, .76). σ(ln 3) = 3/4, σ(−ln 3) = 1/4.
    # fused = (3/4 − 1/4, −1/4 + 3/4) · .76 = (½, ½) · .76
    log_3 = torch.tensor(3.0).log().item()
    fused = _fusion("image", "text", gate_bias=[log_3, -log_3])(FEATURES, {}).fused
    torch.testing.assert_close(fused, torch.tensor([[TANH / 2, TANH / 2]]), rtol=0.0, atol=1e-6)


def test_the_gate_reads_the_modalities_by_hand() -> None:
    # σ(ln 3 · 1) = 3/4 in both units: fused = (3/4 − 1/4) · (.76, −.76)
    log_3 = torch.tensor(3.0).log().item()
    fused = _fusion("image", "text", gate_bias=[0.0, 0.0], gate_weight=log_3)(FEATURES, {}).fused
    torch.testing.assert_close(fused, torch.tensor([[TANH / 2, -TANH / 2]]), rtol=0.0, atol=1e-6)


@pytest.mark.parametrize(("bias", "sign"), [(50.0, 1.0), (-50.0, -1.0)])
def test_a_saturated_gate_leaves_one_modality(bias: float, sign: float) -> None:
    fused = _fusion("image", "text", gate_bias=[bias, bias])(FEATURES, {}).fused
    torch.testing.assert_close(fused, sign * torch.tensor([[TANH, -TANH]]), rtol=0.0, atol=1e-6)


def test_three_modalities_have_a_gate_each_by_hand() -> None:
    # Gates open, closed, half open: (.76, −.76) + 0 · (−.76, .76) + ½ (.76, −.76)
    gates = [50.0, 50.0, -50.0, -50.0, 0.0, 0.0]
    fused = _fusion("image", "text", "metadata", gate_bias=gates)(FEATURES, {}).fused
    torch.testing.assert_close(fused, 1.5 * torch.tensor([[TANH, -TANH]]), rtol=0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [({"image": 2}, {}, "at least 2 modalities"), ({"image": 2, "text": 2}, {"hidden_dim": 0}, "hidden_dim=0")],
)
def test_what_cannot_be_built_is_refused(dims: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GatedFusion(dims, 3, **options)
