from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.features import Features
from mmskin.fusion import FUSIONS
from mmskin.fusion.metablock import MetaBlockFusion

DIMS = {"image": 96, "metadata": 5, "text": 7}


def _fusion(name: str = "metablock", **options: Any) -> MetaBlockFusion:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fusion = build("fusion", FUSIONS, {"name": name, **options}, DIMS, 3)
        assert isinstance(fusion, MetaBlockFusion)
        for branch in (fusion.scale, fusion.shift):
            norm: Any = branch[1]
            for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
                tensor.normal_()
            norm.running_var.uniform_(0.5, 2.0)
    return fusion.eval()


def _features(num_cases: int = 4) -> dict[str, Features]:
    generator = torch.Generator().manual_seed(1)
    return {m: Features(torch.randn(num_cases, dim, generator=generator)) for m, dim in DIMS.items()}


def _numbers(branch: Any, context: np.ndarray, *, batch_statistics: bool, b: float) -> np.ndarray:
    """BatchNorm(W m + b), (B, k), in float64."""
    linear, norm = branch
    out = context @ linear.weight.detach().double().numpy().T
    if batch_statistics:
        out = out + b  # the paper's bias, which batch statistics take out again
        mean, var = out.mean(axis=0), out.var(axis=0)
    else:
        mean, var = norm.running_mean.double().numpy(), norm.running_var.double().numpy()
    weight, bias = norm.weight.detach().double().numpy(), norm.bias.detach().double().numpy()
    return (out - mean) / np.sqrt(var + 1e-5) * weight + bias


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("name", "context"), [("metablock", "metadata"), ("metablock_note", "text")])
def test_equals_the_formula(name: str, context: str, training: bool) -> None:
    """σ(tanh(V · T1) + T2) with V as 3 groups of 32 consecutive features."""
    fusion, features = _fusion(name), _features()
    m = features[context].pooled.double().numpy()
    t1 = _numbers(fusion.scale, m, batch_statistics=training, b=3.0)
    t2 = _numbers(fusion.shift, m, batch_statistics=training, b=-2.0)
    v = features["image"].pooled.double().numpy().reshape(4, 3, 32)
    expected = 1 / (1 + np.exp(-(np.tanh(v * t1[:, :, None]) + t2[:, :, None])))
    fused = fusion.train(training)(features, {}).fused
    np.testing.assert_allclose(fused.detach().numpy(), expected.reshape(4, 96), rtol=1e-4, atol=1e-5)


def _set(branch: Any, value: float) -> None:
    """T = value for every group, whatever the history."""
    branch[0].weight.data.zero_()
    branch[1].running_mean.zero_()
    branch[1].bias.data.fill_(value)


def test_it_is_not_multiplied_by_the_photo_again() -> None:
    # T1 = T2 = 0: σ(tanh 0 + 0) = ½, whatever V.
    fusion = _fusion()
    _set(fusion.scale, 0.0)
    _set(fusion.shift, 0.0)
    torch.testing.assert_close(fusion(_features(), {}).fused, torch.full((4, 96), 0.5))


@pytest.mark.parametrize(("shift", "limit"), [(50.0, 1.0), (-50.0, 0.0)])
def test_a_saturated_shift_hides_the_photo(shift: float, limit: float) -> None:
    fusion = _fusion()
    _set(fusion.shift, shift)
    torch.testing.assert_close(fusion(_features(), {}).fused, torch.full((4, 96), limit))


def test_one_case_is_answered_in_eval_mode() -> None:
    fusion, features = _fusion(), _features()
    alone = fusion({m: Features(f.pooled[:1]) for m, f in features.items()}, {}).fused
    torch.testing.assert_close(alone, fusion(features, {}).fused[:1])


def test_the_context_is_what_the_name_says() -> None:
    assert _fusion("metablock").modalities == ("image", "metadata")
    assert _fusion("metablock_note").modalities == ("image", "text")


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [
        ({"image": 48, "metadata": 3}, {}, "whole number of groups of 32, however: its width is 48"),
        ({"image": 48, "metadata": 3}, {"group_width": 0}, "group_width=0"),
        ({"image": 64, "text": 3}, {}, "'metadata' has no encoder"),
    ],
)
def test_what_cannot_be_built_is_refused(dims: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build("fusion", FUSIONS, {"name": "metablock", **options}, dims, 3)


def test_another_group_width_takes_another_photo() -> None:
    fusion = build("fusion", FUSIONS, {"name": "metablock", "group_width": 16}, {"image": 48, "metadata": 3}, 3)
    assert fusion.out_dim == 48
