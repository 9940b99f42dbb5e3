"""Templates of sentences: one template is many sentences.

`(a|b|)` is one of these, `[…]` is there or not, `{slot}` is what the slot says; they may stand inside each other. An
optional part in which a slot has nothing to say is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

Slots = Mapping[str, Callable[[], str]]
"""What has something to say, by name; asked only for what is really said."""
WITH_SLOT, WITHOUT_SLOT = 0.8, 0.35
"""Chances of an optional part: of one that says something of the case, and of one that only fills."""


class Slot(NamedTuple):
    name: str


class Either(NamedTuple):
    choices: tuple[Sequence_, ...]


class Maybe(NamedTuple):
    part: Sequence_


Sequence_ = tuple["str | Slot | Either | Maybe", ...]


def expand(template: str, rng: np.random.Generator, slots: Slots) -> str | None:
    """One sentence of a template; None where it needs a slot that has nothing to say."""
    sequence = parsed(template)
    return _expand(sequence, rng, slots) if needed(sequence) <= slots.keys() else None


def needed(sequence: Sequence_) -> frozenset[str]:
    """The slots without which a part cannot be said."""
    names: set[str] = set()
    for node in sequence:
        if isinstance(node, Slot):
            names.add(node.name)
        elif isinstance(node, Either):
            names |= frozenset.intersection(*map(needed, node.choices))
    return frozenset(names)


@lru_cache(maxsize=4096)
def parsed(template: str) -> Sequence_:
    """Raises: ValueError for a bracket without its other half."""
    sequence, end = _sequence(template, 0, "")
    if end != len(template):
        raise ValueError(f"template {template!r}: {template[end]!r} closes nothing")
    return sequence


def _expand(sequence: Sequence_, rng: np.random.Generator, slots: Slots) -> str:
    said = []
    for node in sequence:
        if isinstance(node, str):
            said.append(node)
        elif isinstance(node, Slot):
            said.append(slots[node.name]())
        elif isinstance(node, Either):
            possible = [choice for choice in node.choices if needed(choice) <= slots.keys()]
            said.append(_expand(possible[int(rng.integers(len(possible)))], rng, slots))
        else:
            names = needed(node.part)
            if rng.random() < (WITH_SLOT if names else WITHOUT_SLOT) and names <= slots.keys():
                said.append(_expand(node.part, rng, slots))
    return "".join(said)


def _sequence(template: str, start: int, closing: str) -> tuple[Sequence_, int]:
    """Nodes from a place on, up to what closes them, and the place of that."""
    nodes: list[str | Slot | Either | Maybe] = []
    place = start
    while place < len(template) and template[place] not in (closing or ")]"):
        node, place = _node(template, place, closing)
        nodes.append(node)
    if closing and place == len(template):
        raise ValueError(f"template {template!r}: {closing[-1]!r} is lacking")
    return tuple(nodes), place


def _node(template: str, place: int, closing: str) -> tuple[str | Slot | Either | Maybe, int]:
    first = template[place]
    if first == "{":
        end = template.index("}", place)
        return Slot(template[place + 1 : end]), end + 1
    if first == "[":
        part, end = _sequence(template, place + 1, "]")
        return Maybe(part), end + 1
    if first == "(":
        choices = []
        while template[place] != ")":
            choice, place = _sequence(template, place + 1, "|)")
            choices.append(choice)
        return Either(tuple(choices)), place + 1
    end = place
    while end < len(template) and template[end] not in "{[(" + (closing or ")]"):
        end += 1
    return template[place:end], end
