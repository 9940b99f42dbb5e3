"""Wide features made narrow, between an encoder and a fusion: learned, or by principal components of training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from mmskin.errors import ConfigError, DataError
from mmskin.features import Features

ALL = "all"
"""In place of a modality: every one whose encoder is wider than `dim`."""


class LinearReduction(nn.Module):
    """LayerNorm, Linear to `dim` and dropout: learned with the fusion, of pooled vectors and of tokens by themselves.

    in_dim: D, the encoder's width.
    dim: the width that the fusion sees.
    dropout: in [0, 1).
    reads_tokens: whether the fusion reads tokens; if not, they are left out.
    """

    def __init__(self, in_dim: int, dim: int, *, dropout: float, reads_tokens: bool) -> None:
        super().__init__()
        self.pooled = _projection(in_dim, dim, dropout=dropout)
        self.tokens = _projection(in_dim, dim, dropout=dropout) if reads_tokens else None

    def forward(self, features: Features) -> Features:
        pooled = self.pooled(features.pooled)
        if self.tokens is None or features.tokens is None or features.mask is None:
            return Features(pooled)
        return Features(pooled, self.tokens(_emptied(features.tokens, features.mask)), features.mask)


class PcaReduction(nn.Module):
    """The first `dim` principal components of the pooled vectors of training rows, each with deviation 1; not trained.

    Tokens go through the same projection: they live in the space of their mean, which the pooled vector is. On hundreds
    of cases a frozen encoder's 1,280 numbers are more than a fusion can learn to leave alone.

    in_dim: D, the encoder's width.
    dim: components kept, at most D and one less than the training rows.
    dropout: in [0, 1), on what is projected.
    reads_tokens: whether the fusion reads tokens; if not, they are left out.
    """

    mean: Tensor
    components: Tensor
    deviation: Tensor

    def __init__(self, in_dim: int, dim: int, *, dropout: float, reads_tokens: bool) -> None:
        super().__init__()
        self.reads_tokens = reads_tokens
        self.register_buffer("mean", torch.zeros(in_dim))
        self.register_buffer("components", torch.eye(dim, in_dim))
        self.register_buffer("deviation", torch.ones(dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Features) -> Features:
        pooled = self._project(features.pooled)
        if not self.reads_tokens or features.tokens is None or features.mask is None:
            return Features(pooled)
        return Features(pooled, self._project(_emptied(features.tokens, features.mask)), features.mask)

    def fit(self, pooled: Tensor) -> None:
        """Find the components.

        Args:
            pooled: (N, D), of training rows that have the modality.

        Raises:
            DataError: too few rows.
        """
        dim = len(self.components)
        if len(pooled) <= dim:
            raise DataError(f"{dim} principal components need more training rows than that, however: {len(pooled)}")
        found = PCA(dim, svd_solver="full").fit(pooled.double().numpy())
        deviation = np.sqrt(np.maximum(found.explained_variance_, np.finfo(np.float32).eps))
        for buffer, values in (
            (self.mean, found.mean_),
            (self.components, found.components_),
            (self.deviation, deviation),
        ):
            buffer.copy_(torch.from_numpy(values))

    def _project(self, vectors: Tensor) -> Tensor:
        """(…, D) → (…, dim)."""
        projected: Tensor = self.dropout((vectors - self.mean) @ self.components.T / self.deviation)
        return projected


METHODS = {"linear": LinearReduction, "pca": PcaReduction}


def reduced_dims(options: Mapping[str, Mapping[str, Any]], dims: Mapping[str, int]) -> dict[str, int]:
    """The width of every modality as the fusion sees it; see `options_of`."""
    return {m: int(of["dim"]) if (of := options_of(options, m, dim)) else dim for m, dim in dims.items()}


def options_of(options: Mapping[str, Mapping[str, Any]], modality: str, width: int) -> Mapping[str, Any] | None:
    """How a modality is reduced: as it is named, or as `all` are if it is wider than that; None if not at all.

    Raises:
        ConfigError: a modality that is named and has fewer numbers than `dim`.
    """
    named = options.get(modality)
    if named is not None and named["dim"] > width:
        raise ConfigError(
            f"reduce.{modality}.dim must be at most the width of its encoder, {width}, however: {named['dim']}"
        )
    shared = options.get(ALL)
    return shared if named is None and shared is not None and shared["dim"] < width else named


def _projection(in_dim: int, dim: int, *, dropout: float) -> nn.Module:
    return nn.Sequential(nn.LayerNorm(in_dim), nn.Linear(in_dim, dim), nn.Dropout(dropout))


def _emptied(tokens: Tensor, mask: Tensor) -> Tensor:
    """Tokens with zeros under the mask: 0 × NaN would still be NaN."""
    return tokens.masked_fill(~mask[..., None], 0.0)
