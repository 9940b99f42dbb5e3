"""What should be known of a free text: words of no known language or meaning, and what contradicts a typed field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.field_reader import Reading, declared_range
from mmskin.schema import UNKNOWN, Field, FieldValue
from mmskin.sentence import Sentence
from mmskin.trained.ensemble import Trained
from mmskin.trained.note_reading import say_read, say_reading, stated

CERTAIN = 0.98
"""Confidence from which what was read is held against a typed field. MiniLM, taught for 250 steps, is so sure of 4 in
10 of the readings that are shown; where every field is typed as the text says, it remarks once wrongly in 60 histories
written by hand and 21 times in 300 made by a grammar; of yes/no fields typed the wrong way round it finds 39 and 27 in
a hundred."""
FAR_SHARE = 0.05
"""How far apart two numbers contradict each other, as a share of the declared range: 6 years of an age up to 120."""
FAR_TIMES = 2.0
"""How many times as long as the other a duration contradicts it."""
KNOWN_SHARE = 0.25
"""A text of which a smaller share of the long words is known is in no language that the encoder knows. Of 360 English
histories with shorthand and misspellings the lowest share is .29, of 25 in other languages or in none the highest .20
(by the vocabulary of MiniLM)."""
LONG_WORD = 4  # letters; shorter words are of many languages at once
MANY_WORDS = 4
"""Long words from which the vocabulary alone decides: a complaint of two words may well be of rare ones."""
NO_LANGUAGE = Sentence("the free text is in no language that this model knows: nothing of it can be relied on")
NO_MEANING = Sentence("no field was read from the free text")
_WORDS = re.compile(r"[^\W\d_]+")


def remarks_on_text(
    trained: Trained, text: str, fields: Mapping[str, FieldValue], readings: Mapping[str, Reading]
) -> list[str]:
    """What should be known of a free text: words of no known language or meaning, and what contradicts a typed field.

    Args:
        trained: that has read it.
        text: the free words.
        fields: as typed.
        readings: what was read, of every field.
    """
    sure = stated(readings)
    says_something = any(not trained.schema.field(name).is_number for name in sure)  # digits are of any language
    words = long_words(text)
    of_another_script = any(not _is_latin(word) for word in words)
    is_told_by_words = len(words) >= MANY_WORDS or of_another_script or not says_something
    if is_told_by_words and not is_known_language(trained.encoders["text"], words):
        return [NO_LANGUAGE]
    if not stated(readings, confidence=0.0):
        return [NO_MEANING]
    remarks: list[str] = []
    for name, reading in stated(readings, confidence=CERTAIN).items():
        field, typed = trained.schema.field(name), fields.get(name)
        if reading.value is not None and typed is not None and contradicts(field, reading.value, typed):
            said = {"field": field.called, "read": say_reading(field, reading), "typed": say_read(field, typed)}
            remarks.append(Sentence("the text says {field}: {read}, the field says {typed}", **said))
    return remarks


def contradicts(field: Field, read: float | str, typed: float | str) -> bool:
    """Whether two values of a field cannot both hold; "unknown" contradicts nothing."""
    if UNKNOWN in (read, typed):
        return False
    if isinstance(read, str) or isinstance(typed, str):
        return read != typed
    if field.kind == "duration":
        short, long = sorted((max(read, 1.0), max(typed, 1.0)))
        return long / short > FAR_TIMES
    low, high = declared_range(field)
    return abs(read - typed) > FAR_SHARE * (high - low)


def long_words(text: str) -> list[str]:
    """The words by which a language is told: long ones, and those of another script than Latin, however short."""
    return [word for word in _WORDS.findall(text) if len(word) >= LONG_WORD or not _is_latin(word)]


def is_known_language(encoder: Encoder, words: Sequence[str]) -> bool:
    """Whether an encoder knows enough of some words; of none, it is taken to."""
    return not words or sum(map(encoder.knows, words)) >= KNOWN_SHARE * len(words)


def _is_latin(word: str) -> bool:
    return all(ord(letter) < 0x250 for letter in word)  # Basic Latin to Latin Extended-B
