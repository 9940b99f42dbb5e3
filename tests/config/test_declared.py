from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import pytest

from mmskin.config.declared import declared
from mmskin.config.parts import Parts
from mmskin.encoders import IMAGE_ENCODERS, METADATA_ENCODERS, TEXT_ENCODERS
from mmskin.fusion import FUSIONS
from mmskin.losses import LOSSES

TABLES: list[Mapping[str, Callable[..., Any]]] = [FUSIONS, LOSSES, IMAGE_ENCODERS, TEXT_ENCODERS, METADATA_ENCODERS]
EVERY = [(table, name) for table in TABLES for name in table]
Colour = Literal["red", "blue"]


class Box:
    """A box."""

    is_heavy = True

    def __init__(self, width: int, *, height: int | None = None, colour: Colour = "red", label: str) -> None:
        """Nothing."""


@pytest.mark.parametrize(("table", "name"), EVERY, ids=[name for _, name in EVERY])
def test_what_is_read_from_the_source_is_what_is_there_once_imported(
    table: Mapping[str, Callable[..., Any]], name: str
) -> None:
    read, constructor = declared(table, name), table[name]
    target = constructor.func if isinstance(constructor, partial) else constructor
    parameters = inspect.signature(constructor).parameters.values()
    assert set(read.options) == {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert read.doc == (inspect.getdoc(target) or "")
    assert read.fixed == (constructor.args if isinstance(constructor, partial) else ())
    for key, value in read.values.items():
        assert getattr(target, key) == value, key
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY:
            option = read.options[parameter.name]
            assert option.default == repr(parameter.default)
            assert option.annotation is not None
            assert option.annotation.fits(parameter.default), parameter.name


def test_a_class_attribute_of_a_base_class_counts_and_the_nearest_wins() -> None:
    assert declared(FUSIONS, "image_only").values["takes"] == "photo"
    assert declared(FUSIONS, "image_only").values["is_additive"] is True  # of SingleModality
    assert declared(FUSIONS, "gated").values["reads_tokens"] == "none"  # of Fusion


def test_a_part_that_was_added_is_inspected() -> None:
    boxes: Parts[Box] = Parts("box", {})
    boxes.add("box", Box)
    read = declared(boxes, "box")
    assert {name: option.default for name, option in read.options.items()} == {
        "height": "None",
        "colour": "'red'",
        "label": None,
    }
    assert (read.doc, read.values["is_heavy"]) == ("A box.", True)
    height, colour = read.options["height"].annotation, read.options["colour"].annotation
    assert height is not None
    assert colour is not None
    assert (height.fits(3), height.fits("3")) == (True, False)
    assert (colour.fits("blue"), colour.fits("green")) == (True, False)
    assert colour.words() == "'red' or 'blue'"
