"""{name: …, options} → instance. The only place where a name in a config becomes an object."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mmskin.errors import ConfigError, one_of

T = TypeVar("T")


def build(what: str, table: Mapping[str, Callable[..., T]], spec: Mapping[str, Any], *context: Any) -> T:
    """Look `spec["name"]` up in a table and call it with the context, then the other entries as options.

    Args:
        what: the word for the slot in messages, such as "fusion".
        table: constructors by name.
        spec: {"name": …, option: value, …}.
        context: positional arguments that the assembler supplies.

    Raises:
        ConfigError: no such name, an option that the constructor does not take, or one with a value it refuses.
    """
    if "name" not in spec:
        raise ConfigError(f"{what} needs a name, one of: {', '.join(sorted(table))}")
    name = spec["name"]
    if name not in table:
        raise ConfigError(one_of(what, name, table))
    constructor = table[name]
    options = {key: value for key, value in spec.items() if key != "name"}
    known = [
        p.name for p in inspect.signature(constructor).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    for option in options:
        if option not in known:
            listed = one_of(f"{what} {name!r} option", option, known) if known else f"{what} {name!r} takes no options"
            raise ConfigError(listed)
    try:
        return constructor(*context, **options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{what} {name!r}: {error}") from error
