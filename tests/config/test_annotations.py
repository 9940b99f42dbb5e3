from __future__ import annotations

import ast
from typing import Any

import pytest

from mmskin.config.annotations import Annotation


def annotation(text: str, **aliases: str) -> Annotation:
    def look_up(name: str) -> Any:
        return (ast.parse(aliases[name], mode="eval").body, look_up) if name in aliases else None

    return Annotation(ast.parse(text, mode="eval").body, look_up)


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("int", [3, 0], [3.5, "3", True, None]),
        ("float", [3, 0.5], ["0.5", False, None]),
        ("bool", [True], [1, "yes", "no"]),
        ("str", ["no"], [1, None, True]),
        ("int | None", [None, 2], ["none", 0.5]),
        ("Literal['mean', 'cls']", ["mean"], ["max", 1]),
        ("Literal[1]", [1], [True, 2]),
        ("Sequence[int]", [[3, 4], (), []], ["34", 3, [0.5]]),
        ("str | Sequence[str]", ["fields", ["fields"]], [[1], 1]),
        ("Mapping[str, Any]", [{}], [[], 1]),
        ("Trainable", ["all", 3], ["some", True]),
        ("somebody.Else[int]", [1, "x"], []),
    ],
)
def test_a_value_fits_as_far_as_the_annotation_says(text: str, good: list[object], bad: list[object]) -> None:
    asked = annotation(text, Trainable="Literal['all', 'none'] | int")
    assert [value for value in good if not asked.fits(value)] == []
    assert [value for value in bad if asked.fits(value)] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("int | None", "a whole number or null"),
        ("float", "a number"),
        ("bool", "true or false"),
        ("str | Sequence[str]", "text or a list"),
        ("Trainable", "'all' or 'none' or a whole number"),
        ("Mapping[str, Any]", "names with values"),
    ],
)
def test_a_type_is_said_in_words(text: str, words: str) -> None:
    assert annotation(text, Trainable="Literal['all', 'none'] | int").words() == words
