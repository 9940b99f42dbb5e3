"""`taught: {…}` in the slot of a text encoder: how it is taught the declared fields before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from mmskin.config.strict import Strict
from mmskin.config.validation import faults_of

TAUGHT = "taught"
"""The key of the slot. Its value is these options, the folder that `mmskin teach` wrote, or a resolved mapping."""
FOLDER = "folder"
"""In a resolved mapping, where the taught tensors lie; in that of a saved model stand the fields themselves."""


class TeachingOptions(Strict):
    """How a text encoder is taught: see `mmskin.teaching`."""

    steps: int = Field(default=400, ge=1)
    """Batches of random histories that it learns from."""
    batch_size: int = Field(default=32, ge=2)
    """Histories in a batch."""
    learning_rate: float | None = Field(default=None, gt=0)
    """The highest of a cosine schedule; null for 3e-4 where the encoder starts from learned weights, else 3e-2."""
    layers: int = Field(default=4, ge=1)
    """How many of the last layers learn, of an encoder that can be frozen in part; of others all learn."""
    retention: float = Field(default=4.0, ge=0)
    """Weight of the loss that keeps sentences on skin complaints where the untaught encoder has them."""
    seed: int = Field(default=0, ge=0)
    """Of the random histories and their wording."""


def faults_of_taught(path: str, value: object) -> list[str]:
    """What is wrong with the value of `taught` in a slot, one line each."""
    if isinstance(value, str):
        return []
    if not isinstance(value, Mapping):
        return [
            f"{path} must be options, such as {{steps: 250}}, or the folder of a taught encoder, however: {value!r}"
        ]
    return [] if is_resolved(value) else faults_of(TeachingOptions, value, path)


def is_resolved(value: Mapping[str, Any]) -> bool:
    """Whether the encoder has been taught already, and the mapping says where, or which fields."""
    return "digest" in value


def without_folder(value: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved mapping without the place of the encoder, which says nothing of what it is."""
    return {key: part for key, part in value.items() if key != FOLDER}
