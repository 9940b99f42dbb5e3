from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from mmskin.features import Features
from mmskin.fusion.film import FiLMFusion

NOTE = Features(torch.tensor([[2.0, 10.0]]))  # (−1, 1) after LayerNorm


def _photo(*cells: list[float]) -> Features:
    tokens = torch.tensor([cells])
    return Features(tokens.mean(dim=1), tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


def _by_hand_fusion() -> FiLMFusion:
    """Both linear maps of the photo the identity; γ and β as at the start, 1 and 0."""
    fusion = FiLMFusion({"image": 2, "text": 2}, 3, hidden_dim=2).eval()
    stem = fusion.embed[1]
    assert isinstance(stem, nn.Linear)
    nn.init.eye_(stem.weight)
    nn.init.zeros_(stem.bias)
    nn.init.eye_(fusion.mix[0].weight)
    return fusion


def test_by_hand() -> None:
    fusion = _by_hand_fusion()
    # Rows of the generator: Δγ_1, Δγ_2, β_1, β_2. With the note (−1, 1): Δγ = (1, −2), β = (½, ½).
    fusion.generate.weight.data = torch.tensor([[-1.0, 0.0], [0.0, -2.0], [0.0, 0.0], [0.0, 0.0]])
    fusion.generate.bias.data = torch.tensor([0.0, 0.0, 0.5, 0.5])
    # Cell (5, 1) → (1, −1) → ReLU (1, 0) → norm (1, −1); γ = (2, −1): (2.5, 1.5), plus (1, 0) = (3.5, 1.5).
    # Cell (1, 5) → (−1, 1) → ReLU (0, 1) → norm (−1, 1): (−1.5, −.5) → ReLU 0, plus (0, 1) = (0, 1).
    fused = fusion({"image": _photo([5.0, 1.0], [1.0, 5.0]), "text": NOTE}, {}).fused
    torch.testing.assert_close(fused, torch.tensor([[1.75, 1.25]]), rtol=0.0, atol=1e-3)  # ε of the norms: 4e-5


def test_with_zero_weights_it_is_plain_pooling_whatever_the_history() -> None:
    # As above with γ = 1, β = 0: (1, 0) + ReLU(1, −1) = (2, 0) and (0, 1) + ReLU(−1, 1) = (0, 2); their mean (1, 1).
    fusion = _by_hand_fusion()
    for note in (NOTE, Features(torch.tensor([[30.0, -7.0]]))):
        fused = fusion({"image": _photo([5.0, 1.0], [1.0, 5.0]), "text": note}, {}).fused
        torch.testing.assert_close(fused, torch.ones(1, 2), rtol=0.0, atol=1e-3)


def _fusion(**options: Any) -> FiLMFusion:
    """A fusion away from its start."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fusion = FiLMFusion({"image": 6, "text": 5, "metadata": 4}, 3, **{"hidden_dim": 8, **options}).eval()
        nn.init.normal_(fusion.generate.weight)
        nn.init.normal_(fusion.generate.bias)
    return fusion


def _features(num_cells: int = 4) -> dict[str, Features]:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randn(3, num_cells, 6, generator=generator)
    return {
        "image": Features(tokens.mean(dim=1), tokens, torch.ones(3, num_cells, dtype=torch.bool)),
        "text": Features(torch.randn(3, 5, generator=generator)),
        "metadata": Features(torch.randn(3, 4, generator=generator)),
    }


@pytest.mark.parametrize("depth", [1, 3])
def test_equals_the_blocks_written_out(depth: int) -> None:
    fusion, features = _fusion(depth=depth), _features()
    tokens = features["image"].tokens
    assert tokens is not None
    history = torch.cat([fusion.norm[m](features[m].pooled) for m in ("text", "metadata")], dim=1)
    numbers = (history @ fusion.generate.weight.T + fusion.generate.bias).view(3, depth, 2, 8)
    expected = torch.zeros(3, 8)
    for case in range(3):
        for cell in fusion.embed(tokens[case]):
            for block in range(depth):
                mixed = fusion.mix[block].weight @ cell
                mixed = (mixed - mixed.mean()) / (mixed.var(correction=0) + 1e-5).sqrt()
                delta_gamma, beta = numbers[case, block]
                cell = cell + ((1 + delta_gamma) * mixed + beta).clamp_min(0)
            expected[case] += cell / 4
    torch.testing.assert_close(fusion(features, {}).fused, expected, rtol=1e-4, atol=1e-5)


def test_what_the_photo_says_depends_on_the_history() -> None:
    # f(photo 0, note 0) − f(photo 0, note 1) − f(photo 1, note 0) + f(photo 1, note 1) is 0 for a sum over modalities.
    features = _features()
    rows = {"image": [0, 0, 1, 1], "text": [0, 1, 0, 1], "metadata": [0, 0, 0, 0]}
    pairs = {m: Features(*(part[rows[m]] for part in f if part is not None)) for m, f in features.items()}
    fused = _fusion()(pairs, {}).fused
    assert (fused[0] - fused[1] - fused[2] + fused[3]).abs().max() > 0.1


def test_modulating_cells_is_not_modulating_their_mean() -> None:
    features = _features()
    mean = features["image"].pooled[:, None]
    blurred = {**features, "image": Features(mean[:, 0], mean, torch.ones(3, 1, dtype=torch.bool))}
    assert not torch.allclose(_fusion()(features, {}).fused, _fusion()(blurred, {}).fused, atol=1e-2)


def test_a_photo_without_tokens_is_named_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"film needs tokens of 'image'.*choose an encoder"):
        _fusion()({**_features(), "image": Features(torch.zeros(3, 6))}, {})


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [
        ({"text": 5, "metadata": 4}, {}, "the photo must be one side"),
        ({"image": 6}, {}, "at least 2 modalities"),
        ({"image": 6, "text": 5}, {"depth": 0}, "depth=0"),
        ({"image": 6, "text": 5}, {"hidden_dim": 0}, "hidden_dim=0"),
    ],
)
def test_what_cannot_be_built_is_refused(dims: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FiLMFusion(dims, 3, **options)
