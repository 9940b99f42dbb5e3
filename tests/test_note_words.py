"""Words of a note in scripts with and without blanks between them."""

from __future__ import annotations

import pytest

from mmskin.encoders.hashing_text import HashingTextEncoder
from mmskin.note_words import note_words, word_at


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("It itches, since  2 weeks.", ["It", "itches,", "since", "2", "weeks."]),
        ("痣变大了。 it bled", ["痣", "变", "大", "了", "。", "it", "bled"]),
        ("ほくろgrew", ["ほ", "く", "ろ", "grew"]),
        ("점이 커요", ["점", "이", "커", "요"]),
        ("", []),
    ],
)
def test_words_stand_between_blanks_or_are_letters(note: str, words: list[str]) -> None:
    assert note_words(note) == words
    assert [words[index] for at, index in word_at(note).items() if note[at] not in words[index]] == []
    assert len(set(word_at(note).values())) == len(words)


def test_every_letter_of_an_unspaced_script_is_a_word_of_its_own_to_the_hashing_encoder() -> None:
    encoder = HashingTextEncoder(dim=8)
    note = "痣变大 grew"
    assert encoder.words_of(note) == [0, 1, 2, 3]
    assert len(encoder.prepare(note)["ids"]) == 4
    assert encoder.prepare("it grew")["ids"].shape[0] == 2
