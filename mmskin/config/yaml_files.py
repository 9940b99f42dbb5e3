"""YAML 1.2 files with `dotted.key=value` overrides, as plain values."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from mmskin.errors import ConfigError


def read_overridden(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The values of a YAML file with `dotted.key=value` overrides in place.

    Raises:
        ConfigError: no such file, no YAML, an override that can't be read.
    """
    raw = read_yaml(path)
    for override in overrides:
        _apply(raw, override)
    return raw


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML 1.2 mapping: `1e-3` is a number, `no` is text, a doubled key is refused.

    Raises:
        ConfigError: no such file, or not such a mapping.
    """
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"no such file: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {_one_line(error)}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold a mapping of names to values, however it holds: {content!r}")
    return content


def write_yaml(content: Mapping[str, Any]) -> str:
    buffer = io.StringIO()
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.dump(dict(content), buffer)
    return buffer.getvalue()


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"an override is written key=value, such as training.epochs=5, however: {override!r}")
    try:
        value = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ConfigError(f"{override!r}: the value is not valid YAML: {_one_line(error)}") from None
    *path, last = key.split(".")
    place = raw
    for step in path:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{override!r}: {step} holds a single value and has no {last}")
    place[last] = value


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split("To suppress this check")[0].split())
