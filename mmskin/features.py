"""The three modalities by name, and the value that an encoder hands to a fusion."""

from __future__ import annotations

from typing import Literal, NamedTuple

from torch import Tensor

Modality = Literal["image", "text", "metadata"]
MODALITIES: tuple[Modality, ...] = ("image", "text", "metadata")
HISTORY = ("text", "metadata")
"""The modalities made of the history; every other one is a photo kind."""


def is_photo(modality: str) -> bool:
    return modality not in HISTORY


def photo_title(kind: str) -> str:
    """How people call a photo kind: "photo" where there is one kind, else such as "clinical photo"."""
    return "photo" if kind == "image" else f"{kind.replace('_', ' ')} photo"


class Features(NamedTuple):
    """One modality of a batch, encoded.

    pooled: (B, D) float, one vector per case.
    tokens: (B, T, D) float or None: patches of the photo, words of the note, fields of the table.
    mask: (B, T) bool or None, True where a token is real; None exactly where tokens is None.
    """

    pooled: Tensor
    tokens: Tensor | None = None
    mask: Tensor | None = None
