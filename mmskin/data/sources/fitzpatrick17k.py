"""Fitzpatrick17k: nine or three groups, or the conditions that its file names, as classes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mmskin.data.table import Cases
from mmskin.data.tables.declaration import read_declaration
from mmskin.data.tables.engine import read_cases


class Fitzpatrick17k:
    """Fitzpatrick17k from the folder that holds its table.

    Args:
        label: what is to be told: "nine" or "three" groups, or the "condition", whose names are taken from the file.
    """

    def __init__(self, *, label: Literal["nine", "three", "condition"] = "nine") -> None:
        self.declaration = read_declaration("fitzpatrick17k", label, option="label")

    def load(self, root: str | Path) -> Cases:
        """See `mmskin.data.tables.engine.read_cases`."""
        return read_cases(self.declaration, root)
