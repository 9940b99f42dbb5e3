"""Probabilities in words: never certain."""

from __future__ import annotations

import pytest

from mmskin.probability_text import in_percent


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "< 1%"), (0.0099, "< 1%"), (0.01, "1%"), (0.623, "62%"), (0.99, "99%"), (0.991, "> 99%"), (1.0, "> 99%")],
)
def test_nothing_is_certain(probability: float, text: str) -> None:
    assert in_percent(probability) == text
