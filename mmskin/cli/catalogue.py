"""What there is to choose from, told from the tables and docstrings of the parts themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmskin.benchmark.baselines import BASELINES
from mmskin.config.declared import Declared, declared
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
    """Every part by name, with the first line of its docstring; of one that cannot be imported, why."""
    blocks = []
    for title, table in TABLES.items():
        blocks.append("\n".join([title, *(f"  {name:24}{_first_line(table, name)}" for name in table)]))
    return "\n\n".join(blocks)


def describe_one(name: str) -> str:
    """The whole docstring of every part of that name, with its options.

    Raises:
        ConfigError: no part has that name, or it cannot be imported.
    """
    found = [(title, declared(table, name)) for title, table in TABLES.items() if name in table]
    if not found:
        raise ConfigError(one_of("part", name, {other for table in TABLES.values() for other in table}))
    return "\n\n".join(
        f"{name} ({title})\n\n{_doc(TABLES[title], name)}\n\noptions: {_options(part)}" for title, part in found
    )


def _doc(table: Mapping[str, Callable[..., Any]], name: str) -> str:
    """What a part says of itself; a data set by its card."""
    return data_card(name) if table is SOURCES else declared(table, name).doc


def _first_line(table: Mapping[str, Callable[..., Any]], name: str) -> str:
    try:
        return next(iter(_doc(table, name).splitlines()), "")
    except ConfigError as error:
        return str(error)


def _options(part: Declared) -> str:
    needed = [name for name, option in part.options.items() if option.default is None]
    shown = [f"{name}={option.default}" for name, option in part.options.items() if option.default is not None]
    return ", ".join([*needed, *shown]) or "none"
