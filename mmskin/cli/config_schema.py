"""JSON schemas of configs, for editors: every key explained, and the names that an open slot knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.benchmark_config import FROM, Arm, Benchmark
from mmskin.benchmark.leaks import LEAKS
from mmskin.benchmark.leaks.study_config import LeakStudy
from mmskin.config.experiment import Experiment
from mmskin.config.optimisers import OPTIMIZERS
from mmskin.config.schedules import SCHEDULES
from mmskin.config.strict import Strict
from mmskin.data.sources import SOURCES
from mmskin.encoders import IMAGE_ENCODERS, METADATA_ENCODERS, TEXT_ENCODERS
from mmskin.errors import ConfigError, one_of
from mmskin.fusion import FUSIONS
from mmskin.losses import LOSSES
from mmskin.teaching.teach_config import DataAndEncoders

JsonSchema = dict[str, Any]

CONFIGS: Mapping[str, type[BaseModel]] = {
    "experiment": Experiment,
    "benchmark": Benchmark,
    "leak_study": LeakStudy,
    "teach": DataAndEncoders,
}
"""By name, what the files of `mmskin train`, `benchmark`, `leak-study` and `teach` hold."""
OPEN: Mapping[str, Iterable[str]] = {"source": SOURCES, "fusion": FUSIONS, "loss": LOSSES, "table": BASELINES}
"""By key of a slot that parts of other packages fit too, the names known here."""
CLOSED: Mapping[str, Mapping[str, type[Strict]]] = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}
"""By key of a slot without others, its names and their options."""


def config_schema(name: str) -> JsonSchema:
    """The JSON schema (draft 2020-12) of a config.

    Args:
        name: one of `CONFIGS`.

    Raises:
        ConfigError: there is no such config.
    """
    if name not in CONFIGS:
        raise ConfigError(one_of("config", name, CONFIGS))
    schema = CONFIGS[name].model_json_schema()
    for title, key, of in _properties(schema):
        if key in OPEN:
            _slot_in(of).update(_named(OPEN[key]))
        elif key in CLOSED:
            of["anyOf"] = [{"enum": list(CLOSED[key])}, *(_whole(*option) for option in CLOSED[key].items())]
            del of["type"], of["additionalProperties"]
        elif key == "encoders":
            of.update(_encoders(may_be_trained=title == Arm.__name__))
        elif key == "leaks":
            of["items"] = {"enum": list(LEAKS)}
    if name == "teach":  # its other sections are not read
        schema["additionalProperties"] = True
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _properties(schema: JsonSchema) -> Iterator[tuple[str, str, JsonSchema]]:
    """Of the config and of its sections: title of the section, key, and what stands under the key."""
    for section in (schema, *schema.get("$defs", {}).values()):
        for key, of in section.get("properties", {}).items():
            yield section["title"], key, of


def _slot_in(of: JsonSchema) -> JsonSchema:
    """The slot of a key, which may be null too."""
    slots: list[JsonSchema] = [part for part in of.get("anyOf", [of]) if part.get("type") == "object"]
    return slots[0]


def _named(names: Iterable[str]) -> JsonSchema:
    """A slot whose name is one of those known, or that of a part of another package; its options stay open."""
    name = {
        "anyOf": [{"enum": list(names)}, {"type": "string"}],
        "description": "`mmskin describe <name>` explains it.",
    }
    return {"type": "object", "properties": {"name": name}, "required": ["name"]}


def _whole(name: str, options: type[Strict]) -> JsonSchema:
    """A slot of one name with all of its options."""
    of = options.model_json_schema()
    named = {"const": name, "description": of.get("description", "")}
    return {**of, "properties": {"name": named, **of.get("properties", {})}, "required": ["name"]}


def _encoders(*, may_be_trained: bool) -> JsonSchema:
    """By modality the slot of an encoder; whatever is neither text nor metadata is a kind of photo."""

    def slot(what: str, names: Iterable[str]) -> JsonSchema:
        of = {**_named(names), "description": f"The encoder of {what}."}
        if may_be_trained:
            of["properties"][FROM] = {"type": "string", "description": "The arm whose trained encoder is read, frozen."}
            del of["required"]
            of["anyOf"] = [{"required": ["name"]}, {"required": [FROM]}]
        return of

    return {
        "properties": {
            "text": slot("the note", TEXT_ENCODERS),
            "metadata": slot("the fields of the history", METADATA_ENCODERS),
        },
        "additionalProperties": slot("a kind of photo", IMAGE_ENCODERS),
    }
