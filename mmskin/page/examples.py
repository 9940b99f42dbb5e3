"""Invented cases to click, drawn when the program starts."""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image

from mmskin.schema import History
from mmskin.synthetic import Missing, SyntheticCase, default_design, draw_cases, history_of_case, render

SEED = 2026  # not the clinic's: no training case is among them
SIZE = 256


class Example(NamedTuple):
    """One case; target is the class that it was drawn from."""

    target: str
    photo: Image.Image
    history: History


def draw_examples(count: int = 4) -> list[Example]:
    """Cases of so many different classes, the symptoms told in fields and words, some fields not recorded."""
    drawn = draw_cases(default_design(), 200, seed=SEED, missing=Missing(at_random=0.15), told="both")
    first: dict[str, SyntheticCase] = {}
    for case in drawn:
        first.setdefault(case.target, case)
    return [
        Example(case.target, Image.fromarray(render(case, size=SIZE).pixels), history_of_case(case))
        for _, case in sorted(first.items())[:count]
    ]
