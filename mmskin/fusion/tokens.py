"""Tokens as fusions read them: emptied under the mask, projected, hidden at random in training, averaged."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmskin.features import Features

OTHER = {"image": "history", "history": "image"}
"""The two streams of a fusion of photos with a history, each with the one that it attends to; saved models know the
layers of a stream by these names, whatever the photos are called."""


def real_tokens(features: Features, modality: str, fusion: str) -> tuple[Tensor, Tensor]:
    """Tokens (B, T, D), zero wherever the mask says that nothing is there, and their mask.

    Args:
        features: of the modality.
        modality: its name, for the message.
        fusion: the name of the fusion that asks, for the message.

    Raises:
        ValueError: the encoder gives no tokens.
    """
    if features.tokens is None or features.mask is None:
        raise ValueError(
            f"{fusion} needs tokens of {modality!r}, but its encoder gives a pooled vector only; choose an "
            "encoder that gives patches, words or fields, or a fusion that needs no tokens"
        )
    # Emptied before anything else: 0 × NaN under a mask would still be NaN.
    return features.tokens.masked_fill(~features.mask[..., None], 0.0), features.mask


def project(in_dim: int, out_dim: int, *, dropout: float) -> nn.Module:
    """LayerNorm, Linear and dropout, the same for every token."""
    return nn.Sequential(nn.LayerNorm(in_dim), nn.Linear(in_dim, out_dim), nn.Dropout(dropout))


def masked_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """(B, D), the mean over real tokens."""
    weights = mask[..., None].to(tokens.dtype)
    return (tokens * weights).sum(dim=1) / weights.sum(dim=1)


class TokenDropout(nn.Module):
    """A mask (B, T) → in training, a mask with a share of the real tokens hidden; a case that would lose all keeps all.

    share: in [0, 1).
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, mask: Tensor) -> Tensor:
        if not self.training or not self.share:
            return mask
        kept = mask & (torch.rand(mask.shape, device=mask.device) >= self.share)
        return torch.where(kept.any(dim=1, keepdim=True), kept, mask)
