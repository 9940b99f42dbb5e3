from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mmskin.features import Features
from mmskin.fusion.low_rank import LowRankFusion

DIMS = {"image": 5, "text": 4, "metadata": 3}


def _fusion(*modalities: str, **options: Any) -> LowRankFusion:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LowRankFusion({m: DIMS[m] for m in modalities}, 3, **{"hidden_dim": 2, **options}).eval()


def _with_one(pooled: torch.Tensor) -> np.ndarray:
    """[x; 1] in float64, x normalised as LayerNorm does before anything is learned."""
    x = pooled.double().numpy()
    x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def _factor(fusion: LowRankFusion, modality: str) -> np.ndarray:
    """(rank, D + 1, hidden_dim): the last row of each rank multiplies the appended 1."""
    factor = fusion.factors[modality]
    assert isinstance(factor, nn.Linear)
    both = torch.cat([factor.weight, factor.bias[:, None]], dim=1).detach().double().numpy()
    return both.reshape(fusion.rank, fusion.out_dim, -1).transpose(0, 2, 1)


@pytest.mark.parametrize(
    ("modalities", "outer", "tensor"),
    [
        (("image", "text"), "na,nb->nab", "rao,rbo->abo"),
        (("image", "text", "metadata"), "na,nb,nc->nabc", "rao,rbo,rco->abco"),
    ],
)
def test_equals_the_full_weight_tensor_times_the_outer_product(
    modalities: tuple[str, ...], outer: str, tensor: str
) -> None:
    fusion = _fusion(*modalities, rank=3)
    generator = torch.Generator().manual_seed(1)
    features = {m: Features(torch.randn(6, DIMS[m], generator=generator)) for m in modalities}
    weights = np.einsum(tensor, *(_factor(fusion, m) for m in modalities))
    products = np.einsum(outer, *(_with_one(features[m].pooled) for m in modalities))
    expected = products.reshape(6, -1) @ weights.reshape(-1, 2)
    np.testing.assert_allclose(fusion(features, {}).fused.detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_rank_one_by_hand() -> None:
    # LayerNorm turns (5, 1) into (1, −1) and (2, 10) into (−1, 1).
    # (2·1 + 1·(−1) + 3) · (4·(−1) + 0·1 − 1) = 4 · (−5) = −20
    fusion = LowRankFusion({"image": 2, "text": 2}, 3, hidden_dim=1, rank=1).eval()
    for m, weight, bias in (("image", [2.0, 1.0], 3.0), ("text", [4.0, 0.0], -1.0)):
        fusion.factors[m].weight.data = torch.tensor([weight])
        fusion.factors[m].bias.data = torch.tensor([bias])
    features = {"image": Features(torch.tensor([[5.0, 1.0]])), "text": Features(torch.tensor([[2.0, 10.0]]))}
    torch.testing.assert_close(fusion(features, {}).fused, torch.tensor([[-20.0]]), rtol=1e-5, atol=0.0)


@pytest.mark.parametrize("modalities", [("image", "text"), ("image", "text", "metadata")])
def test_features_that_say_nothing_leave_the_constant_one(modalities: tuple[str, ...]) -> None:
    # A constant vector is 0 after LayerNorm, so R products of M biases are left: R · (R^(−1/M))^M = 1.
    features = {m: Features(torch.full((1, DIMS[m]), 2.0)) for m in modalities}
    torch.testing.assert_close(_fusion(*modalities)(features, {}).fused, torch.ones(1, 2))


@pytest.mark.parametrize(
    ("modalities", "options", "message"),
    [(("image",), {}, "at least 2 modalities"), (("image", "text"), {"rank": 0}, "rank=0")],
)
def test_what_cannot_be_built_is_refused(modalities: tuple[str, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _fusion(*modalities, **options)
