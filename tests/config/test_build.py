from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from mmskin.config.build import build
from mmskin.errors import ConfigError


class Box:
    def __init__(self, width: int, *, height: int = 2, colour: str = "red") -> None:
        if height < 1:
            raise ValueError(f"height must be 1 or more, however: height={height}")
        self.area, self.colour = width * height, colour


TABLE: dict[str, Callable[..., Box]] = {"box": Box, "blue": partial(Box, colour="blue")}


def test_a_spec_becomes_an_instance_with_context_and_options() -> None:
    built = build("box", TABLE, {"name": "box", "height": 5}, 3)
    assert (built.area, built.colour) == (15, "red")
    assert build("box", TABLE, {"name": "blue"}, 3).colour == "blue"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, "box needs a name, one of: blue, box"),
        ({"name": "bx"}, r"box 'bx' does not exist\. Did you mean 'box'\?"),
        ({"name": "box", "heigt": 1}, r"box 'box' option 'heigt' does not exist\. Did you mean 'height'\?"),
        ({"name": "box", "width": 1}, "option 'width' does not exist"),  # context is not for configs to give
        ({"name": "box", "height": 0}, "box 'box': height must be 1 or more, however: height=0"),
        ({"name": "box", "height": "2"}, "box 'box': "),  # a TypeError of the constructor
    ],
)
def test_what_cannot_be_built_is_refused_by_name(spec: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        build("box", TABLE, spec, 3)


def test_a_part_without_options_says_so() -> None:
    with pytest.raises(ConfigError, match="'plain' takes no options"):
        build("part", {"plain": object}, {"name": "plain", "size": 1})
