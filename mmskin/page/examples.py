"""Invented cases to click, drawn when the program starts."""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image

from mmskin.schema import History
from mmskin.synthetic import (
    Missing,
    SyntheticCase,
    Truth,
    default_design,
    draw_cases,
    history_of_case,
    oracle_probs,
    render,
)

SEED = 2034  # not the clinic's: no training case is among them; the first at which no photo is remarked on
SIZE = 256
CLEAR = 0.95
"""What the truth has to give the class of an example: a button answers with its name only where that is no gamble."""


class Example(NamedTuple):
    """One case; target is the class that it was drawn from."""

    target: str
    photo: Image.Image
    history: History


def draw_examples(count: int = 4) -> list[Example]:
    """Clear cases of so many different classes, the symptoms told in fields and words, some fields not recorded."""
    truth = Truth(default_design(), Missing(at_random=0.15), shortcut=None)
    drawn = draw_cases(truth.design, 400, seed=SEED, missing=truth.missing, told="both")
    first: dict[str, SyntheticCase] = {}
    for case, probs in zip(drawn, oracle_probs(drawn, truth), strict=True):
        if probs[truth.design.classes.index(case.target)] >= CLEAR:
            first.setdefault(case.target, case)
    return [
        Example(case.target, Image.fromarray(render(case, size=SIZE).pixels), history_of_case(case))
        for _, case in sorted(first.items())[:count]
    ]
