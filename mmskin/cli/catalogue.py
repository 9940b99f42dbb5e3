"""What there is to choose from, told from the tables and docstrings of the parts themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mmskin.benchmark.baselines import BASELINES
from mmskin.data.sources import SOURCES, data_card
from mmskin.encoders import IMAGE_ENCODERS, METADATA_ENCODERS, TEXT_ENCODERS
from mmskin.errors import ConfigError, one_of
from mmskin.fusion import FUSIONS
from mmskin.losses import LOSSES

TABLES: dict[str, Mapping[str, Callable[..., Any]]] = {
    "data sets": SOURCES,
    "image encoders": IMAGE_ENCODERS,
    "text encoders": TEXT_ENCODERS,
    "metadata encoders": METADATA_ENCODERS,
    "fusions": FUSIONS,
    "losses": LOSSES,
    "table arms": BASELINES,
}


def describe_all() -> str:
    """Every part by name, with the first line of its docstring."""
    blocks = []
    for title, table in TABLES.items():
        lines = [f"  {name:24}{_described(title, name).splitlines()[0]}" for name in table]
        blocks.append("\n".join([title, *lines]))
    return "\n\n".join(blocks)


def describe_one(name: str) -> str:
    """The whole docstring of every part of that name, with its options.

    Raises:
        ConfigError: no part has that name.
    """
    found = [(title, table[name]) for title, table in TABLES.items() if name in table]
    if not found:
        raise ConfigError(one_of("part", name, {known for table in TABLES.values() for known in table}))
    return "\n\n".join(
        f"{name} ({title})\n\n{_described(title, name)}\n\noptions: {_options(part)}" for title, part in found
    )


def _described(title: str, name: str) -> str:
    if TABLES[title] is SOURCES:
        return data_card(name)
    part = TABLES[title][name]
    target = part.func if isinstance(part, partial) else part
    return inspect.getdoc(target) or ""


def _options(part: Callable[..., Any]) -> str:
    parameters = inspect.signature(part).parameters.values()
    shown = [f"{p.name}={p.default!r}" for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty]
    needed = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    return ", ".join([*needed, *shown]) or "none"
