"""Encoders by name. To add one: a file in this folder, a line in its table, a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.hashing_text import HashingTextEncoder
from mmskin.encoders.metadata_onehot import MetadataOneHot
from mmskin.encoders.metadata_tokens import MetadataTokens
from mmskin.encoders.open_clip_image import OpenClipImageEncoder
from mmskin.encoders.open_clip_text import OpenClipTextEncoder
from mmskin.encoders.timm_image import TimmImageEncoder
from mmskin.encoders.transformers_text import TransformersTextEncoder
from mmskin.features import Modality

IMAGE_ENCODERS: dict[str, Callable[..., Encoder]] = {"timm": TimmImageEncoder, "open_clip": OpenClipImageEncoder}
TEXT_ENCODERS: dict[str, Callable[..., Encoder]] = {
    "transformers": TransformersTextEncoder,
    "open_clip": OpenClipTextEncoder,
    "hashing": HashingTextEncoder,
}
METADATA_ENCODERS: dict[str, Callable[..., Encoder]] = {"tokens": MetadataTokens, "onehot": MetadataOneHot}


def encoder_table(modality: Modality) -> Mapping[str, Callable[..., Encoder]]:
    """The encoders of a modality; all kinds of photos share theirs."""
    of_history: dict[Modality, Mapping[str, Callable[..., Encoder]]] = {
        "text": TEXT_ENCODERS,
        "metadata": METADATA_ENCODERS,
    }
    return of_history.get(modality, IMAGE_ENCODERS)


__all__ = ["IMAGE_ENCODERS", "METADATA_ENCODERS", "TEXT_ENCODERS", "Encoder", "encoder_table"]
