"""Parts that were added at run time, handed from the process that has them to those that run its tasks."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

from mmskin.benchmark.baselines import BASELINES
from mmskin.config.parts import Parts, origin_of
from mmskin.data.sources import SOURCES
from mmskin.encoders import IMAGE_ENCODERS, METADATA_ENCODERS, TEXT_ENCODERS
from mmskin.errors import ConfigError
from mmskin.fusion import FUSIONS
from mmskin.losses import LOSSES

TABLES: dict[str, Parts[Any]] = {
    table.what: table
    for table in (FUSIONS, LOSSES, IMAGE_ENCODERS, TEXT_ENCODERS, METADATA_ENCODERS, BASELINES, SOURCES)
}
AddedParts = Mapping[str, Mapping[str, bytes]]
"""Pickled one by one, so that one which cannot be imported elsewhere takes no other with it."""


def added_parts() -> AddedParts:
    """By the word for a table, the parts that were added to it, as far as they can be sent."""
    return {
        what: {name: pickle.dumps(part) for name, part in table.added.items() if can_be_sent(part)}
        for what, table in TABLES.items()
    }


def add_parts(parts: AddedParts) -> None:
    """Add them in this process, as far as it can import them: a task that needs another one says what it lacks."""
    for what, by_name in parts.items():
        for name, pickled in by_name.items():
            try:
                constructor = pickle.loads(pickled)
            except Exception:  # whatever a module does when it is imported
                continue
            TABLES[what].add(name, constructor)


def can_be_sent(constructor: Callable[..., Any]) -> bool:
    """Whether another process can import it: it is at the top of a module, or of a script."""
    try:
        content = pickle.dumps(constructor)
    except Exception:  # pickle's faults are of many kinds
        return False
    return b"__main__" not in content or hasattr(sys.modules["__main__"], "__file__")


def check_can_be_sent(names: Collection[str]) -> None:
    """Refuse parts that another process could not import.

    Args:
        names: of all parts that it will need.

    Raises:
        ConfigError: names the first.
    """
    for what, table in TABLES.items():
        for name, constructor in table.added.items():
            if name in names and not can_be_sent(constructor):
                raise ConfigError(
                    f"{what} {name!r} ({origin_of(constructor)}) cannot be sent to worker processes: define it at the "
                    "top of a module that can be imported, or take jobs=1"
                )
