"""One lesson of the teacher: a history and a text that states it, in any of the ways in which histories are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mmskin.inputs.note import render_note
from mmskin.schema import History, Schema
from mmskin.teaching.random_histories import draw_history


class Lesson(NamedTuple):
    """A text, and all that it says of the declared fields."""

    text: str
    history: History


def lessons(schema: Schema, rng: np.random.Generator) -> Iterator[Lesson]:
    """Without end."""
    while True:
        yield draw_lesson(schema, rng)


def draw_lesson(schema: Schema, rng: np.random.Generator) -> Lesson:
    """A history and its note, in varied order and wording."""
    history = draw_history(schema, rng)
    return Lesson(render_note(history, schema, rng=rng), history)
