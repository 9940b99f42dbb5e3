"""A text encoder that has been taught the declared fields: its tensors and its reader of fields, put in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmskin.config.teaching_options import FOLDER
from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.field_reader import FieldReader, reader_of
from mmskin.encoders.weights import load_exactly, read_tensors
from mmskin.errors import ConfigError, ModelError

RECORD, TENSORS = "taught.json", "model.safetensors"
"""In the folder of a taught encoder: what it was taught and how; its tensors and those of its reader of fields."""


def put_taught(encoder: Encoder, taught: Mapping[str, Any]) -> None:
    """Give a text encoder its reader of fields and, where they lie in a folder, what it was taught.

    The reader's own tensors never learn in a run. In one that trains the encoder further, the reader does not hold any
    more: see `field_reader_of`.

    Args:
        encoder: as its slot builds it without `taught`.
        taught: with `folder`, or with `fields` in a saved model, whose own tensors follow.

    Raises:
        ModelError: a folder that is missing or damaged, or of another encoder.
    """
    record = read_record(Path(taught[FOLDER])) if FOLDER in taught else taught
    encoder.field_reader = reader_of(encoder.out_dim, record["fields"])
    if FOLDER in taught:
        source = Path(taught[FOLDER]) / TENSORS
        load_exactly(encoder, read_tensors(source), source=source)
        encoder.load_state_json(record.get("state", {}))
    for parameter in encoder.field_reader.parameters():
        parameter.requires_grad_(False)


def read_record(folder: Path) -> dict[str, Any]:
    """What an encoder in a folder was taught: fields, options, slot, digest.

    Raises:
        ModelError: no taught encoder there, or a damaged one.
    """
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        record["fields"], record["options"], record["slot"], record["digest"]
    except FileNotFoundError:
        raise ModelError(
            f"taught={str(folder)!r} holds no taught encoder: mmskin teach CONFIG --output {folder}"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder / RECORD} is damaged ({error!r}): teach again into another folder") from None
    return record


def field_reader_of(encoder: Encoder) -> FieldReader:
    """The reader of an encoder's notes.

    Raises:
        ConfigError: it was never taught, or was trained further since, so that its reader does not hold.
    """
    if encoder.field_reader is None:
        raise ConfigError("the text encoder was not taught the fields: set encoders.text.taught: {}")
    if any(parameter.requires_grad for parameter in encoder.parameters()):
        raise ConfigError(
            "the text encoder was trained further after it was taught the fields, and does not read them reliably any "
            "more: set encoders.text.trainable: none"
        )
    return encoder.field_reader
