"""Taught encoders on disk: taught once for a declaration, an encoder and its options; read by whoever names the folder.

- model.safetensors: tensors of the encoder and of its reader of fields
- taught.json: the fields, the options, the slot that builds the encoder, digests
- encoder/: what building the encoder needs beside its tensors
- README.md, card.json: how well it reads every field
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from mmskin.config.declared import declared
from mmskin.config.teaching_options import FOLDER, TAUGHT, TeachingOptions, is_resolved
from mmskin.encoders import TEXT_ENCODERS
from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.field_reader import Reading, plain_fields
from mmskin.encoders.taught_text import RECORD, TENSORS, field_reader_of, read_record
from mmskin.encoders.weights import sha256_of
from mmskin.errors import ConfigError
from mmskin.model.classifier import build_encoder
from mmskin.model.feature_extraction import fingerprint
from mmskin.schema import Field, Schema
from mmskin.teaching.card import score_fields, write_card
from mmskin.teaching.retention import MEASURED, complaints, retention
from mmskin.teaching.teach import pooled_of, read_notes, teach

if sys.platform != "win32":
    import fcntl

Say = Callable[[str], None]
ASSETS = "encoder"
TEACHER = (
    *("random_histories.py", "teller.py", "grammar.py", "lexicon.py", "lesson.py", "retention.py", "speaker.py"),
    *("spoken.py", "teach.py", "wordings.yaml"),
)
"""The files that decide what is taught, beside encoder, declaration and options."""
FROZEN = {"trainable": "none"}


@dataclass(frozen=True)
class TaughtEncoder:
    """A taught text encoder, to read texts with.

    fields: that it was taught.
    """

    encoder: Encoder
    fields: tuple[Field, ...]

    def read_notes(self, texts: Sequence[str]) -> list[dict[str, Reading]]:
        """By text, what it says of every field, with its confidence."""
        return read_notes(self.encoder, field_reader_of(self.encoder), texts)


def load_taught(folder: Path) -> TaughtEncoder:
    """The encoder that `mmskin teach` wrote into a folder, in eval mode; nothing is downloaded.

    Raises:
        ModelError: no taught encoder there, or a damaged one.
    """
    record = read_record(folder)
    slot = dict(record["slot"])
    if str(slot.get("model", "")) == ASSETS:
        slot["model"] = str(folder / ASSETS)
    taught = {FOLDER: str(folder), "digest": record["digest"]}
    fields = tuple(Field.model_validate(field) for field in record["fields"])
    schema = Schema(name="taught", classes=("a", "b"), fields=fields)  # of which a text encoder reads nothing
    encoder = build_encoder("text", slot | {TAUGHT: taught}, schema)
    return TaughtEncoder(encoder.eval(), fields)


def resolved(slot: Mapping[str, Any], schema: Schema, features: Path, *, say: Say = print) -> dict[str, Any]:
    """The slot with its `taught` as a run uses it: taught if it is not yet, its folder and digest in place.

    Args:
        slot: of a text encoder; without `taught`, or with one that is resolved already, it stays as it is.
        schema: the data set's full declaration, whatever fields a fold keeps.
        features: folder in which outputs of frozen encoders are kept; taught ones lie in `taught/` in it.
        say: told what happens.

    Raises:
        ModelError: a folder named by the slot that holds no taught encoder.
        ConfigError: options that do not exist, or a schema without fields.
    """
    asked = slot.get(TAUGHT)
    if asked is None or (isinstance(asked, Mapping) and is_resolved(asked)):
        return dict(slot)
    if isinstance(asked, str):
        folder = Path(asked).expanduser()
        record = read_record(folder)
        digest = sha256_of(folder / TENSORS)[:24]
    else:
        folder = cached(slot, schema, TeachingOptions.model_validate(asked), features, say=say)
        record, digest = read_record(folder), folder.name
    return dict(slot) | {TAUGHT: {FOLDER: str(folder.absolute()), "digest": digest, "options": record["options"]}}


def cached(slot: Mapping[str, Any], schema: Schema, options: TeachingOptions, features: Path, *, say: Say) -> Path:
    """The folder of an encoder that was taught just so, by this call if by none before.

    Two processes do not both teach: the second waits for the first.
    """
    encoder = learner(slot, options)
    folder = features / TAUGHT / digest_of(encoder, schema, options)
    with _waiting_for(folder):
        if not (folder / RECORD).is_file():
            say(f"teaching the text encoder {slot['name']} the {len(schema.fields)} fields of {schema.name}, once")
            write_taught(encoder, slot, schema, options, folder, say=say)
    return folder


def learner(slot: Mapping[str, Any], options: TeachingOptions) -> Encoder:
    """The untaught encoder with the layers that are to learn; random weights are those of the options' seed.

    Raises:
        ConfigError: options that do not exist, or fewer layers than are to learn.
    """
    plain = {key: value for key, value in slot.items() if key not in (TAUGHT, "trainable")}
    takes = declared(TEXT_ENCODERS, slot["name"]).options.get("trainable")
    if takes is not None and takes.annotation is not None:
        plain["trainable"] = options.layers if takes.annotation.fits(options.layers) else "all"
    schema = Schema(name="untaught", classes=("a", "b"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        try:
            return build_encoder("text", plain, schema)
        except ConfigError as error:
            if not str(error).startswith("trainable must"):
                raise
            raise ConfigError(f"encoders.text.taught.layers={options.layers} are to learn: {error}") from None


def digest_of(encoder: Encoder, schema: Schema, options: TeachingOptions) -> str:
    """24 hex digits of all that a taught encoder follows from: encoder, fields and wordings, options, the teacher."""
    parts = [fingerprint(encoder), schema_digest(schema), options.model_dump(mode="json"), _teacher()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def _teacher() -> str:
    """Of the files of the teacher: other wordings teach another encoder."""
    digest = hashlib.sha256()
    for name in TEACHER:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


def write_taught(
    encoder: Encoder, slot: Mapping[str, Any], schema: Schema, options: TeachingOptions, folder: Path, *, say: Say
) -> None:
    """Teach, and write the folder whole or not at all.

    Args:
        encoder: of `learner`; changed.
        slot: that built it.
        schema: the data set's full declaration.
        options: of the teaching.
        folder: must not exist, or be empty; its record comes last, and without it there is no taught encoder.
        say: told what happens.
    """
    began = time.process_time()
    digest = digest_of(encoder, schema, options)
    sentences = complaints("measured", MEASURED, np.random.default_rng(0))
    before = pooled_of(encoder.eval(), sentences)
    losses = teach(encoder, schema, options, say=say)
    kept = retention(before, pooled_of(encoder, sentences))
    plain = {key: value for key, value in slot.items() if key != TAUGHT}
    record = {
        "slot": plain | encoder.rebuild_options(ASSETS) | _frozen(plain),
        "options": options.model_dump(mode="json"),
        "fields": plain_fields(schema.fields),
        "schema": schema.name,
        "schema_digest": schema_digest(schema),
        "digest": digest,
        "state": encoder.state_json(),
        "loss": float(np.mean(losses[-20:])),
        "sentences": len(sentences),
        "cpu_seconds": round(time.process_time() - began, 1),
    }
    scores = score_fields(encoder, field_reader_of(encoder), schema, seed=options.seed)
    partial = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.partial")
    partial.mkdir(parents=True)
    encoder.save_assets(partial / ASSETS)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    save_file(tensors, partial / TENSORS)
    write_card(partial, record, scores, kept)
    (partial / RECORD).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(partial.iterdir(), key=lambda path: path.name == RECORD):  # what makes it one comes last
        os.replace(path, folder / path.name)
    partial.rmdir()


def schema_digest(schema: Schema) -> str:
    """16 hex digits of the declared fields with their wordings."""
    fields = [field.model_dump(mode="json", exclude={"values"}) for field in schema.fields]
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]


def _frozen(slot: Mapping[str, Any]) -> dict[str, Any]:
    return dict(FROZEN) if "trainable" in declared(TEXT_ENCODERS, slot["name"]).options else {}


@contextmanager
def _waiting_for(folder: Path) -> Iterator[None]:
    """One process at a time for a folder, the others wait; on Windows, which has no such lock, the last one wins."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
