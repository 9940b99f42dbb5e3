"""How well a taught encoder reads every field, on histories and on wordings that it has not been taught."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.field_reader import FieldReader, Reading, declared_range
from mmskin.json_values import plain
from mmskin.plain_numbers import plain_numbers
from mmskin.schema import Field, Schema
from mmskin.teaching.lesson import Lesson, draw_lesson
from mmskin.teaching.teach import encode
from mmskin.teaching.teller import Teller

TEXTS = 400  # of each kind: a share of .95 among 200 that state a field has a half-width of .03
FIFTH = 0.2
"""How far a duration may be off and count as right, as a share of it."""
NEAR = 2.0
"""How far an age may be off and count as right, years."""
RETAINED = 0.9
"""Rank correlation from which an encoder counts as having kept what it knew."""


class FieldScore(NamedTuple):
    """How often a field is read right.

    stated: of texts that state it, by what is unseen: histories, or wordings too.
    unstated: of texts that do not state it, how often it is read as not recorded.
    linear: as `stated` with unseen wordings, read from the pooled vector alone.
    """

    field: str
    seen_wordings: float
    unseen_wordings: float
    unstated: float
    linear: float


def score_fields(encoder: Encoder, reader: FieldReader, schema: Schema, *, seed: int) -> list[FieldScore]:
    """By field, on texts drawn with another seed than any that was taught."""
    seen = _read(encoder, reader, schema, hold="seen", seed=seed)
    unseen = _read(encoder, reader, schema, hold="unseen", seed=seed)
    return [
        FieldScore(
            field.name,
            _share(field, seen.lessons, seen.fine, stated=True),
            _share(field, unseen.lessons, unseen.fine, stated=True),
            _share(field, unseen.lessons, unseen.fine, stated=False),
            _share(field, unseen.lessons, unseen.linear, stated=True),
        )
        for field in schema.fields
    ]


def tolerance(field: Field, value: float) -> float:
    """How far a number may be off: a fifth of a duration, 2 years of an age, a fiftieth of any other declared range."""
    if field.kind == "duration":
        return FIFTH * value
    low, high = declared_range(field)
    return NEAR if field.unit == "years" else (high - low) / 50


def is_right(field: Field, stated: object, reading: Reading) -> bool:
    """Whether a reading is what a text states; None for what it does not state."""
    if isinstance(stated, float) and isinstance(reading.value, float):
        return abs(reading.value - stated) <= tolerance(field, stated)
    return bool(reading.value == stated)


def write_card(folder: Path, record: Mapping[str, Any], scores: Sequence[FieldScore], kept: float) -> None:
    """README.md and card.json."""
    content = {
        "fields": [score._asdict() for score in scores],
        "retention": kept,
        "texts": TEXTS,
        "record": {key: value for key, value in record.items() if key not in ("fields", "state")},
    }
    (folder / "card.json").write_text(json.dumps(plain(content), indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(readme(record, scores, kept), encoding="utf-8")


def readme(record: Mapping[str, Any], scores: Sequence[FieldScore], kept: float) -> str:
    """The card in Markdown."""
    options = ", ".join(f"{key} {value}" for key, value in record["options"].items() if value is not None)
    price = "" if kept >= RETAINED else f" That is below {RETAINED}: it has forgotten some of what it knew."
    rows = [f"| {s.field} | {_told(s[1])} | {_told(s[2])} | {_told(s[3])} | {_told(s[4])} |" for s in scores]
    lines = [
        f"# {record['slot']['name']}, taught the {len(scores)} fields of {record['schema']}",
        "",
        "A text encoder that was taught to read these fields from a note: on random histories, told in many ways, "
        "without a label and without a patient. How well it reads what people really write has to be measured on texts "
        "that nobody's templates have worded.",
        "",
        f"Share read right, of {TEXTS} random histories each; a number is right within a fifth (durations), 2 years "
        "(ages) or a fiftieth of its range.",
        "",
        "| field | stated, known wordings | stated, wordings never taught | not stated, read as not recorded | "
        "stated, from the pooled vector alone |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"Similarities of {record['sentences']} sentences on skin complaints keep their order with a rank correlation "
        f"of {kept:.3f}.{price}",
        "",
        f"- options: {options}",
        f"- CPU seconds: {record['cpu_seconds']:.0f}",
        f"- schema: {record['schema']}, digest {record['schema_digest']}",
        f"- encoder: `{json.dumps(record['slot'])}`, digest {record['digest']}",
    ]
    return "\n".join(lines) + "\n"


class _Read(NamedTuple):
    lessons: list[Lesson]
    fine: list[dict[str, Reading]]
    linear: list[dict[str, Reading]]


@torch.inference_mode()
def _read(encoder: Encoder, reader: FieldReader, schema: Schema, *, hold: Any, seed: int) -> _Read:
    texts, rng = Teller(schema, hold=hold), np.random.default_rng((seed, 1, len(hold)))
    read = _Read([draw_lesson(texts, rng) for _ in range(TEXTS)], [], [])
    for start in range(0, TEXTS, 50):
        features = encode(encoder, [plain_numbers(lesson.text) for lesson in read.lessons[start : start + 50]])
        read.fine.extend(reader.read(features))
        read.linear.extend(reader.read(features._replace(tokens=None, mask=None)))
    return read


def _share(
    field: Field, lessons: Sequence[Lesson], readings: Sequence[Mapping[str, Reading]], *, stated: bool
) -> float:
    """NaN where no text is of that kind."""
    pairs = [
        (lesson.history.fields.get(field.name), reading[field.name])
        for lesson, reading in zip(lessons, readings, strict=True)
    ]
    of_kind = [is_right(field, value, reading) for value, reading in pairs if (value is not None) == stated]
    return float(np.mean(of_kind)) if of_kind else float("nan")


def _told(share: float) -> str:
    return "n/a" if share != share else f"{share:.3f}"
