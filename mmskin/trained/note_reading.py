"""What free text says of the declared fields, read by a model's own text encoder, if it was taught them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.field_reader import FieldReader, Reading, declared_range, field_reader_of
from mmskin.errors import UserError
from mmskin.features import Features
from mmskin.inputs.batch import stack_rows
from mmskin.inputs.note import say_value
from mmskin.schema import UNKNOWN, Field, FieldValue, History, Schema
from mmskin.trained.trained_model import TrainedModel

SURE = 0.9
"""Confidence from which what was read is held against a typed field."""
FAR_SHARE = 0.05
"""How far apart two numbers contradict each other, as a share of the declared range: 6 years of an age up to 120."""
FAR_TIMES = 2.0
"""How many times as long as the other contradicts, of durations."""
KNOWN_SHARE = 0.5
"""A text of which fewer long words are known, and of which nothing is read for sure, is in no known language."""
LONG_WORD = 4  # letters: shorter ones are words of many languages at once
_WORDS = re.compile(r"[^\W\d_]+")
NOT_UNDERSTOOD = "the free text is in no language that this model knows: nothing of it can be relied on"
NOTHING_READ = "no field was read from the free text"


def read_note(trained: TrainedModel, text: str) -> dict[str, Reading]:
    """By field of the model's schema, what a text says of it.

    Args:
        trained: whose text encoder was taught the fields, and not trained further since.
        text: in free words.

    Raises:
        UserError: a text without words, a model that reads no text, or one whose encoder reads no fields.
    """
    if not text.strip():
        raise UserError(f"text={text!r} holds nothing to read: give what the patient says, in words")
    if "text" not in trained.model.encoders:
        raise UserError(
            f"this model reads no text, only {', '.join(trained.modalities)}: train one with a text encoder that is "
            "taught, encoders.text: {name: transformers, trainable: none, taught: {}}"
        )
    encoder = trained.model.encoders["text"]
    return _read(encoder, field_reader_of(encoder), text, trained.schema)
