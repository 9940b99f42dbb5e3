"""Whether two sets of texts are worded alike: runs of four words that stand in both."""

from __future__ import annotations

import re


def four_grams(text: str) -> set[tuple[str, ...]]:
    """Runs of four words, in lower case, without punctuation."""
    said = re.findall(r"[\w'/+-]+", text.lower())
    return {tuple(said[at : at + 4]) for at in range(len(said) - 3)}


def shared_with(texts: list[str], others: list[str]) -> set[tuple[str, ...]]:
    """The four-word runs that stand in both sets of texts."""
    ours, theirs = ({gram for text in of for gram in four_grams(text)} for of in (texts, others))
    return ours & theirs
