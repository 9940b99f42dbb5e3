"""What free text says of the declared fields, read by a model's own text encoder where it was taught them."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.field_reader import FieldReader, Reading
from mmskin.encoders.taught_text import field_reader_of
from mmskin.errors import ConfigError, UserError
from mmskin.features import Features
from mmskin.inputs.batch import stack_rows
from mmskin.inputs.note import say_value
from mmskin.plain_numbers import plain_numbers
from mmskin.schema import Field, Schema
from mmskin.sentence import Sentence
from mmskin.trained.ensemble import Trained

SURE = 0.9
"""Confidence from which what was read is shown: of 360 free histories nine readings in ten are right then."""


def read_note(trained: Trained, text: str) -> dict[str, Reading]:
    """By field of the model's schema, what a text says of it.

    Args:
        trained: whose text encoder was taught the fields, and not trained further since.
        text: in free words.

    Raises:
        UserError: a text without content, a model that reads no text, or one whose encoder reads no fields.
    """
    if not text.strip():
        raise UserError(f"text={text!r} holds nothing to read: give what the patient says, in words")
    if "text" not in trained.encoders:
        raise UserError(
            f"this model reads {', '.join(trained.modalities)} and no text: train one with a taught text encoder, "
            "encoders.text: {name: transformers, trainable: none, taught: {}}"
        )
    encoder = trained.encoders["text"]
    return _read(encoder, field_reader_of(encoder), text, trained.schema)


def read_if_taught(trained: Trained, text: str | None) -> dict[str, Reading] | None:
    """As `read_note`; None where there is no text, or nothing that could read it."""
    if not text or "text" not in trained.encoders:
        return None
    try:
        return read_note(trained, text)
    except ConfigError:  # not taught, or trained further
        return None


def stated(readings: Mapping[str, Reading], *, confidence: float = SURE) -> dict[str, Reading]:
    """Of what was read, what is recorded and at least so sure."""
    return {name: of for name, of in readings.items() if of.value is not None and of.confidence >= confidence}


def read_lines(schema: Schema, readings: Mapping[str, Reading]) -> list[str]:
    """What was read as people say it, such as "Itches: no (97%)"."""
    fields = {name: schema.field(name) for name in readings}
    said = {name: say_reading(field, readings[name]) for name, field in fields.items()}
    return [Sentence("{field}: {value}", field=field.title, value=said[name]) for name, field in fields.items()]


def say_reading(field: Field, reading: Reading) -> str:
    """A value and how sure it is; of a number without, for its confidence is of its being told at all."""
    if reading.value is None:
        return Sentence("not recorded")
    said = say_read(field, reading.value)
    return said if field.is_number else Sentence("{value} ({sure})", value=said, sure=f"{reading.confidence:.0%}")


def say_read(field: Field, value: float | str) -> str:
    """A value in words, a number no finer than a whole one."""
    if isinstance(value, str) or field.kind != "numeric":
        return say_value(field, value)
    return Sentence("{number} {unit}", number=f"{value:.0f}", unit=field.unit) if field.unit else f"{value:.0f}"


def _read(encoder: Encoder, reader: FieldReader, text: str, schema: Schema) -> dict[str, Reading]:
    with torch.inference_mode():
        inputs = stack_rows([encoder.prepare(plain_numbers(text))])
        assert not isinstance(inputs, Features)
        readings = reader.read(encoder(inputs))[0]
    return {name: readings[name] for name in schema.field_names if name in readings}
