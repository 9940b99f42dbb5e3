from __future__ import annotations

import numpy as np
import pytest

from mmskin.teaching.spoken import in_words, with_typos


def test_numbers_in_words() -> None:
    pairs = {
        0: "zero",
        7: "seven",
        13: "thirteen",
        20: "twenty",
        67: "sixty-seven",
        99: "ninety-nine",
        100: "a hundred",
    }
    assert {number: in_words(number) for number in pairs} == pairs
    assert in_words(104) == "a hundred and four"
    with pytest.raises(ValueError, match="from 0 to 199"):
        in_words(200)


def test_slips_leave_short_words_numbers_and_first_letters_as_they_are() -> None:
    text = "67 it is a lesion, 3/12 painful bleeding itching"
    slipped = with_typos(text, np.random.default_rng(0), rate=1.0).split()
    words = text.split()
    assert len(slipped) == len(words)
    for before, after in zip(words, slipped, strict=True):
        assert before[0] == after[0]
        if len(before) < 4 or not before.isalpha():
            assert before == after
    assert sum(a != b for a, b in zip(words, slipped, strict=True)) >= 2
    assert with_typos(text, np.random.default_rng(0), rate=0.0) == text
