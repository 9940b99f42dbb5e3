"""The linear classifier over a vector, with what it needs to learn in few steps: a norm before it."""

from __future__ import annotations

from torch import nn

NARROWEST_NORMED = 8
"""A LayerNorm takes mean and length away: two numbers of a vector, too many of a narrow one (of one number, all)."""


def linear_head(
    in_dim: int, num_classes: int, *, hidden_dim: int | None = None, dropout: float = 0.0, is_normed: bool = False
) -> nn.Sequential:
    """(B, in_dim) → logits (B, num_classes): LayerNorm, dropout, Linear; the last module is the Linear.

    Encoders give vectors of any scale (of a frozen CNN the values lie about .4, of a sentence encoder about .3): over
    them a linear layer of a learning rate that suits the rest of the model learns too slowly to be done in ten epochs.

    Args:
        in_dim: width of the vector.
        num_classes: C.
        hidden_dim: of a layer with GELU and dropout before the last one; None for none.
        dropout: in [0, 1).
        is_normed: whether the vector has been through norms already.
    """
    norm = nn.LayerNorm(in_dim) if in_dim >= NARROWEST_NORMED and not is_normed else nn.Identity()
    if hidden_dim is None:
        return nn.Sequential(norm, nn.Dropout(dropout), nn.Linear(in_dim, num_classes))
    return nn.Sequential(
        norm,
        nn.Dropout(dropout),
        nn.Linear(in_dim, hidden_dim),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden_dim, num_classes),
    )
