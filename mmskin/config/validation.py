"""Plain values as a validated model, and every fault of them told with its dotted path."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mmskin.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], raw: Mapping[str, Any], *, where: str) -> Model:
    """A model from plain values.

    Raises:
        ConfigError: every fault with its dotted path.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(fault_line(model, fault) for fault in error.errors())
        raise ConfigError(f"{where}: {faults}") from None


def faults_of(model: type[BaseModel], raw: Mapping[str, Any], path: str) -> list[str]:
    """What keeps plain values at a path of a config from being such a model, one line each."""
    try:
        model.model_validate(raw)
    except ValidationError as error:
        return [f"{path}.{fault_line(model, fault)}" for fault in error.errors()]
    return []


def fault_line(model: type[BaseModel], fault: Any) -> str:
    """One of the errors of pydantic as a line, with its dotted path; a key that does not exist with the nearest one."""
    path = ".".join(str(step) for step in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return does_not_exist(path, _keys_near(model, fault["loc"]))
    if fault["type"] == "missing":
        return f"{path} is missing"
    got = "" if isinstance(fault["input"], dict) else f", however: {fault['input']!r}"
    return f"{path}: {fault['msg'].removeprefix('Value error, ')}{got}".removeprefix(": ")


def does_not_exist(path: str, known: Sequence[str]) -> str:
    """The sentence for a key outside a config, with the nearest key by its last name, those listed first preferred."""
    by_last: dict[str, str] = {}
    for other in known:
        by_last.setdefault(other.rpartition(".")[2], other)
    near = difflib.get_close_matches(path.rpartition(".")[2], by_last, n=1)
    return f"{path} does not exist" + (f" (did you mean {by_last[near[0]]}?)" if near else "")


def _keys_near(model: type[BaseModel], place: Sequence[str | int]) -> list[str]:
    """Dotted paths of the keys that could have been meant: those beside the place first, then all others."""
    beside = _model_at(model, place[:-1])
    prefix = "".join(f"{step}." for step in place[:-1])
    own = [prefix + name for name in beside.model_fields] if beside is not None else []
    return [*own, *_all_keys(model)]


def _model_at(annotation: Any, steps: Sequence[str | int]) -> type[BaseModel] | None:
    for step in steps:
        if get_origin(annotation) is dict:  # the step is a name that the user gave
            annotation = get_args(annotation)[1]
            continue
        model = _model_of(annotation)
        if model is None or step not in model.model_fields:
            return None
        annotation = model.model_fields[str(step)].annotation
    return _model_of(annotation)


def _all_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted paths of the fields of a model and of the models that are its fields."""
    paths = [prefix + name for name in model.model_fields]
    for name, field in model.model_fields.items():
        inner = _model_of(field.annotation)
        if inner is not None:
            between = ".*." if get_origin(field.annotation) is dict else "."
            paths += _all_keys(inner, f"{prefix}{name}{between}")
    return paths


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model in the annotation of a field: itself, or inside a union or the values of a mapping."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None
