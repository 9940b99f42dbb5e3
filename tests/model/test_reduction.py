"""Features made narrow before a fusion: what is fitted on what, and what a fusion then sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mmskin.errors import ConfigError, DataError
from mmskin.features import Features
from mmskin.model.reduction import LinearReduction, PcaReduction, options_of, reduced_dims


def rows(count: int = 200) -> torch.Tensor:
    """Three factors of deviation 5, 2 and 1 along the first axes of a turned room of six, around a mean."""
    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q
    factors = torch.randn(count, 6, generator=generator, dtype=torch.float64)
    factors *= torch.tensor([5.0, 2.0, 1.0, 0.01, 0.01, 0.01], dtype=torch.float64)
    return (factors @ turn + 3.0).float()


def fitted(dim: int = 3, *, reads_tokens: bool = True) -> PcaReduction:
    reduction = PcaReduction(6, dim, dropout=0.0, reads_tokens=reads_tokens).eval()
    reduction.fit(rows())
    return reduction


def test_components_of_training_rows_are_those_of_an_eigenproblem_and_have_deviation_one() -> None:
    reduced = fitted()(Features(rows())).pooled.double()
    assert reduced.mean(dim=0).abs().max() < 1e-5
    np.testing.assert_allclose(np.cov(reduced.numpy().T), np.eye(3), atol=1e-4)
    values, vectors = np.linalg.eigh(np.cov(rows().double().numpy().T))
    order = np.argsort(values)[::-1][:3]
    by_hand = (rows().double().numpy() - rows().double().numpy().mean(0)) @ vectors[:, order] / np.sqrt(values[order])
    np.testing.assert_allclose(np.abs(reduced.numpy()), np.abs(by_hand), atol=1e-3)


def test_the_projection_of_the_mean_of_tokens_is_the_mean_of_projected_tokens() -> None:
    tokens = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(2))
    mask = torch.ones(4, 5, dtype=torch.bool)
    reduced = fitted()(Features(tokens.mean(dim=1), tokens, mask))
    assert reduced.tokens is not None
    torch.testing.assert_close(reduced.tokens.mean(dim=1), reduced.pooled, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("make", [LinearReduction, PcaReduction])
def test_what_lies_under_a_mask_is_not_read_and_tokens_only_if_the_fusion_reads_them(make: Any) -> None:
    tokens = torch.ones(2, 3, 6)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    spoilt = tokens.masked_fill(~mask[..., None], torch.nan)
    reduced = make(6, 2, dropout=0.0, reads_tokens=True).eval()(Features(torch.ones(2, 6), spoilt, mask))
    assert reduced.tokens.isfinite().all()
    assert reduced.tokens.shape == (2, 3, 2)
    assert torch.equal(reduced.mask, mask)
    alone = make(6, 2, dropout=0.0, reads_tokens=False)
    assert alone(Features(torch.ones(2, 6), spoilt, mask)).tokens is None
    assert not any("tokens" in name for name, _ in alone.named_parameters())


def test_components_are_not_trained_and_a_projection_is() -> None:
    assert not list(fitted().parameters())
    reduction = LinearReduction(6, 2, dropout=0.0, reads_tokens=True)
    reduced = reduction(Features(torch.randn(3, 6), torch.randn(3, 4, 6), torch.ones(3, 4, dtype=torch.bool)))
    (reduced.pooled.square().sum() + reduced.tokens.square().sum()).backward()
    assert all(p.grad is not None for p in reduction.parameters())


def test_a_constant_feature_gives_no_infinity() -> None:
    reduction = PcaReduction(6, 5, dropout=0.0, reads_tokens=False).eval()
    reduction.fit(torch.cat([rows()[:, :2], torch.ones(200, 4)], dim=1))
    assert reduction(Features(rows())).pooled.isfinite().all()


def test_dropout_counts_in_training_alone() -> None:
    reduction = PcaReduction(6, 3, dropout=0.5, reads_tokens=False)
    reduction.fit(rows())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trained = reduction.train()(Features(rows())).pooled
    kept = trained != 0
    assert 0.4 < kept.float().mean() < 0.6
    torch.testing.assert_close(trained[kept], 2 * reduction.eval()(Features(rows())).pooled[kept])


def test_more_components_than_rows_are_refused() -> None:
    with pytest.raises(DataError, match="3 principal components need more training rows than that, however: 3"):
        PcaReduction(6, 3, dropout=0.0, reads_tokens=False).fit(rows(3))


def test_all_stands_for_the_encoders_that_are_wider_and_a_name_for_itself() -> None:
    options = {"all": {"method": "linear", "dim": 16}, "text": {"method": "pca", "dim": 8}}
    assert reduced_dims(options, {"image": 1280, "text": 384, "metadata": 10}) == {
        "image": 16,
        "text": 8,
        "metadata": 10,
    }
    with pytest.raises(ConfigError, match=r"reduce\.text\.dim must be at most the width of its encoder, 6, however: 8"):
        options_of(options, "text", 6)


def test_nothing_is_made_narrow_unless_asked() -> None:
    assert reduced_dims({}, {"image": 1280}) == {"image": 1280}
