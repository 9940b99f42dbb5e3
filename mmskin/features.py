"""Modalities by name and what can be asked of them, and the value that an encoder hands to a fusion. No torch here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

Modality = str
"""A kind of photo as the data set names it (`image` where there is one kind), `text` or `metadata`."""
HISTORY: tuple[Modality, ...] = ("text", "metadata")
"""What the patient says, as a clinical note and as typed columns: the same facts twice."""


def is_photo(modality: Modality) -> bool:
    """Whether a modality is a kind of photo; else it is of the history."""
    return modality not in HISTORY


def in_order(names: Iterable[Modality]) -> tuple[Modality, ...]:
    """Kinds of photos first, as they come, then text, then metadata: the order of modalities everywhere."""
    given = tuple(names)
    return (*(name for name in given if is_photo(name)), *(name for name in HISTORY if name in given))


def photo_title(kind: Modality) -> str:
    """How people call a kind of photo: "photo" where there is one kind, else such as "clinical photo"."""
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
