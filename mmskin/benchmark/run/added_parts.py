"""Parts that were added at run time, handed from the process that has them to those that run its tasks."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Mapping
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
AddedParts = Mapping[str, Mapping[str, Callable[..., Any]]]


def added_parts() -> AddedParts:
    """By the word for a table, the parts that were added to it."""
    return {what: table.added for what, table in TABLES.items() if table.added}


def add_parts(parts: AddedParts) -> None:
    """Add them in this process."""
    for what, by_name in parts.items():
        for name, constructor in by_name.items():
            TABLES[what].add(name, constructor)


def check_can_be_sent(parts: AddedParts) -> None:
    """Refuse parts that a new process could not import.

    Raises:
        ConfigError: names the first.
    """
    is_script = hasattr(sys.modules["__main__"], "__file__")
    for what, by_name in parts.items():
        for name, constructor in by_name.items():
            try:
                content = pickle.dumps(constructor)
            except Exception:  # pickle's faults are of many kinds
                content = b""
            if not content or (b"__main__" in content and not is_script):
                raise ConfigError(
                    f"{what} {name!r} ({origin_of(constructor)}) cannot be sent to worker processes: define it at the "
                    "top of a module that can be imported, or take jobs=1"
                )
