"""The three modalities by name, and the value that an encoder hands to a fusion."""

from __future__ import annotations

from typing import Literal, NamedTuple

from torch import Tensor

Modality = Literal["image", "text", "metadata"]
MODALITIES: tuple[Modality, ...] = ("image", "text", "metadata")


class Features(NamedTuple):
    """One modality of a batch, encoded.

    pooled: (B, D) float, one vector per case.
    tokens: (B, T, D) float or None: patches of the photo, words of the note, fields of the table.
    mask: (B, T) bool or None, True where a token is real; None exactly where tokens is None.
    """

    pooled: Tensor
    tokens: Tensor | None = None
    mask: Tensor | None = None
