"""Numbers and times as people write them: in digits, in words, in the shorthand of a clinic; and slips of the pen."""

from __future__ import annotations

import numpy as np

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def in_words(number: int) -> str:
    """A whole number from 0 to 199: 67 is "sixty-seven".

    Raises:
        ValueError: another one.
    """
    if not 0 <= number < 200:
        raise ValueError(f"in words are numbers from 0 to 199, however: {number}")
    if number >= 100:
        rest = number - 100
        return "a hundred" + (f" and {in_words(rest)}" if rest else "")
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")


def with_typos(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """The text with slips in some of its words of four letters or more; numbers and short words stay.

    Args:
        text: any.
        rng: decides where.
        rate: chance that a word has one, in [0, 1].
    """
    return " ".join(_slip(word, rng) if rng.random() < rate else word for word in text.split(" "))


def _slip(word: str, rng: np.random.Generator) -> str:
    """Two letters swapped, one left out, doubled, or another one; the first letter stays."""
    if len(word) < 4 or not word.isalpha():
        return word
    place = int(rng.integers(1, len(word) - 1))
    kind = int(rng.integers(4))
    if kind == 0:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    if kind == 2:
        return word[:place] + word[place] + word[place:]
    return word[:place] + LETTERS[int(rng.integers(26))] + word[place + 1 :]
