from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.features import Features
from mmskin.fusion import FUSIONS
from mmskin.fusion.metanet import MetaNetFusion

DIMS = {"image": 192, "metadata": 5, "text": 7}


def _fusion(name: str = "metanet", **options: Any) -> MetaNetFusion:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fusion = build("fusion", FUSIONS, {"name": name, **options}, DIMS, 3)
    assert isinstance(fusion, MetaNetFusion)
    return fusion.eval()


def _features() -> dict[str, Features]:
    generator = torch.Generator().manual_seed(1)
    return {m: Features(torch.randn(4, dim, generator=generator)) for m, dim in DIMS.items()}


@pytest.mark.parametrize(("name", "context"), [("metanet", "metadata"), ("metanet_note", "text")])
def test_equals_the_formula(name: str, context: str) -> None:
    """σ(W_2 ReLU(W_1 m + b_1) + b_2), a gate for each of 3 maps of 8 × 8, times the maps."""
    fusion, features = _fusion(name), _features()
    w_1, b_1, w_2, b_2 = (p.detach().double().numpy() for p in fusion.gate.parameters())
    assert w_1.shape == (64, DIMS[context])
    hidden = np.maximum(features[context].pooled.double().numpy() @ w_1.T + b_1, 0)
    gate = 1 / (1 + np.exp(-(hidden @ w_2.T + b_2)))
    maps = features["image"].pooled.double().numpy().reshape(4, 3, 8, 8)
    expected = (gate[:, :, None, None] * maps).reshape(4, 192)
    np.testing.assert_allclose(fusion(features, {}).fused.detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_a_saturated_gate_leaves_the_photo_or_nothing_map_by_map() -> None:
    fusion, features = _fusion(), _features()
    last: Any = fusion.gate[2]
    last.weight.data.zero_()
    last.bias.data = torch.tensor([50.0, -50.0, 0.0])  # open, closed, half open
    photo = features["image"].pooled
    expected = torch.cat([photo[:, :64], torch.zeros(4, 64), photo[:, 128:] / 2], dim=1)
    torch.testing.assert_close(fusion(features, {}).fused, expected)


def test_the_context_is_what_the_name_says() -> None:
    assert _fusion("metanet").modalities == ("image", "metadata")
    assert _fusion("metanet_note").modalities == ("image", "text")


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [
        ({"image": 96, "metadata": 3}, {}, "whole number of maps of 8 x 8, however: its width is 96"),
        ({"image": 64, "metadata": 3}, {"hidden_dim": 0}, "hidden_dim=0"),
        ({"image": 64, "text": 3}, {}, "'metadata' has no encoder"),
    ],
)
def test_what_cannot_be_built_is_refused(dims: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build("fusion", FUSIONS, {"name": "metanet", **options}, dims, 3)
