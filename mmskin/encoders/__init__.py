"""Encoders by name. To add one: a file in this folder, a line in its table, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmskin.config.parts import Parts
from mmskin.features import Modality

if TYPE_CHECKING:
    from mmskin.encoders.encoder_contract import Encoder

IMAGE_ENCODERS: Parts[Encoder] = Parts(
    "image encoder",
    {
        "timm": "mmskin.encoders.timm_image:TimmImageEncoder",
        "open_clip": "mmskin.encoders.open_clip_image:OpenClipImageEncoder",
    },
    group="mmskin.encoders",
    prefix="image.",
)
TEXT_ENCODERS: Parts[Encoder] = Parts(
    "text encoder",
    {
        "transformers": "mmskin.encoders.transformers_text:TransformersTextEncoder",
        "open_clip": "mmskin.encoders.open_clip_text:OpenClipTextEncoder",
        "hashing": "mmskin.encoders.hashing_text:HashingTextEncoder",
    },
    group="mmskin.encoders",
    prefix="text.",
)
METADATA_ENCODERS: Parts[Encoder] = Parts(
    "metadata encoder",
    {
        "tokens": "mmskin.encoders.metadata_tokens:MetadataTokens",
        "onehot": "mmskin.encoders.metadata_onehot:MetadataOneHot",
    },
    group="mmskin.encoders",
    prefix="metadata.",
)


def encoder_table(modality: Modality) -> Parts[Encoder]:
    """The encoders of a modality; all kinds of photos share theirs."""
    return {"text": TEXT_ENCODERS, "metadata": METADATA_ENCODERS}.get(modality, IMAGE_ENCODERS)
