"""What there is to choose from, told from the tables and docstrings of the parts themselves."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.benchmark_config import Arm
from mmskin.config.declared import Declared, declared
from mmskin.config.experiment import DataConfig, ExpertsConfig, ReduceConfig, TrainingConfig
from mmskin.config.teaching_options import TAUGHT, TeachingOptions
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
SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataConfig,
    TAUGHT: TeachingOptions,
    "reduce": ReduceConfig,
    "experts": ExpertsConfig,
    "training": TrainingConfig,
    "arms": Arm,
}
"""Parts of a config that have options and no name of their own."""


def is_part(name: str) -> bool:
    """Whether a part or a section of a config has that name."""
    return name in SECTIONS or any(name in table for table in TABLES.values())


def summaries() -> dict[str, dict[str, str]]:
    """By table, every part by name with the first line of its docstring; of one that cannot be imported, why."""
    of_parts = {title: {name: _first_line(table, name) for name in table} for title, table in TABLES.items()}
    return of_parts | {"sections of a config": {name: _summary(section) for name, section in SECTIONS.items()}}


def describe_all() -> str:
    """The summaries as text."""
    blocks = [
        "\n".join([title, *(f"  {name:24}{summary}" for name, summary in parts.items())])
        for title, parts in summaries().items()
    ]
    return "\n\n".join(blocks)


def descriptions(name: str) -> dict[str, str]:
    """By table, the whole docstring of every part of that name, with its options; of a section its options, explained.

    Raises:
        ConfigError: no part has that name, or it cannot be imported.
    """
    if name in SECTIONS:
        section = SECTIONS[name]
        options = [_explained(key, field) for key, field in section.model_fields.items()]
        doc = inspect.cleandoc(section.__doc__ or "")
        return {"section of a config": "\n".join([doc, "", *options])}
    found = [(title, declared(table, name)) for title, table in TABLES.items() if name in table]
    if not found:
        raise ConfigError(one_of("part", name, {*SECTIONS, *(other for table in TABLES.values() for other in table)}))
    return {title: f"{_doc(TABLES[title], name)}\n\noptions: {_options(part)}" for title, part in found}


def describe_one(name: str) -> str:
    """The descriptions as text.

    Raises:
        ConfigError: see `descriptions`.
    """
    return "\n\n".join(f"{name} ({title})\n\n{text}" for title, text in descriptions(name).items())


def _doc(table: Mapping[str, Callable[..., Any]], name: str) -> str:
    """What a part says of itself; a data set by its card."""
    return data_card(name) if table is SOURCES else declared(table, name).doc


def _first_line(table: Mapping[str, Callable[..., Any]], name: str) -> str:
    try:
        return next(iter(_doc(table, name).splitlines()), "")
    except ConfigError as error:
        return str(error)


def _summary(section: type[BaseModel]) -> str:
    return next(iter((section.__doc__ or "").splitlines()), "")


def _explained(name: str, field: FieldInfo) -> str:
    """An option with its default as YAML has it, and what its docstring says."""
    default = "" if field.is_required() else f" = {json.dumps(field.get_default(call_default_factory=True))}"
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    among = f"   (of {', '.join(map(str, choices))})" if choices else ""
    lines = (field.description or "").splitlines()
    return "\n".join([f"{name}{default}{among}", *(f"    {line}" for line in lines)])


def _options(part: Declared) -> str:
    needed = [name for name, option in part.options.items() if option.default is None]
    shown = [f"{name}={option.default}" for name, option in part.options.items() if option.default is not None]
    return ", ".join([*needed, *shown]) or "none"
