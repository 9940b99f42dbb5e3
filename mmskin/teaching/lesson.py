"""One lesson of the teacher: a history and a text that states it, in any of the ways in which histories are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mmskin.inputs.note import render_note
from mmskin.plain_numbers import plain_numbers
from mmskin.schema import History, Schema
from mmskin.teaching.lexicon import Hold
from mmskin.teaching.random_histories import draw_history
from mmskin.teaching.teller import Teller

AS_NOTE, AS_BOTH = 0.33, 0.1
"""Shares of lessons that are notes as a model reads them, and notes that end with what the patient says; the rest is
free text alone, its numbers in plain form, as it is read. Notes have few wordings and are learned soon."""


class Lesson(NamedTuple):
    """A text, and all that it says of the declared fields."""

    text: str
    history: History


def lessons(schema: Schema, rng: np.random.Generator, *, hold: Hold = "all") -> Iterator[Lesson]:
    """Without end."""
    texts = Teller(schema, hold=hold)
    while True:
        yield draw_lesson(texts, rng)


def draw_lesson(texts: Teller, rng: np.random.Generator) -> Lesson:
    """A history, and a note in varied order and wording, free text, or one in the other."""
    history = draw_history(texts.schema, rng)
    chance = rng.random()
    if chance < AS_NOTE:
        return Lesson(render_note(history, texts.schema, rng=rng), history)
    if chance < AS_NOTE + AS_BOTH:
        said = {name for name in history.fields if rng.random() < 0.5}
        spoken = History({name: value for name, value in history.fields.items() if name in said})
        written = History({name: value for name, value in history.fields.items() if name not in said})
        note = replace(written, text=texts.tell(spoken, rng))
        return Lesson(render_note(note, texts.schema, rng=rng), history)
    return Lesson(plain_numbers(texts.tell(history, rng)), history)
