"""Where the photos that a table names lie: never outside their folder, never fetched, never opened here."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mmskin.errors import DataError

_SCHEME = re.compile(r"^(data:|file:|[a-z][a-z0-9+.-]+://)", re.IGNORECASE)
_LONGEST = 1024  # characters; longer than the paths people make, shorter than what file systems refuse


class MissingPhoto(DataError):
    """A photo that may be named but is not there."""


class PhotoFolder:
    """The folder under which a table's photos lie."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._resolved = root.resolve()

    def locate(self, name: str) -> str:
        """The absolute path of a regular file in the folder.

        Raises:
            MissingPhoto: nothing is there.
            DataError: the name is no path (a URL, a pattern, control characters), leads out of the folder (by `..`, as
                an absolute path, through a link), or leads to something that is no regular file.
        """
        fault = _fault(name)
        if fault:
            raise DataError(f"{name[:80]!r} {fault}")
        path = self.root / name
        if not (path.is_relative_to(self.root) or path.is_relative_to(self._resolved)):
            raise DataError(f"{name!r} lies outside {self.root}")
        if not os.path.exists(path):
            raise MissingPhoto(repr(name))
        if not path.resolve().is_relative_to(self._resolved):
            raise DataError(f"{name!r} is a link that leads out of {self.root}")
        if not path.is_file():
            raise DataError(f"{name!r} is a folder or a device, no photo")
        return str(path)


def _fault(name: str) -> str | None:
    """What is wrong with the name itself, without looking at the disk."""
    if len(name) > _LONGEST:
        return f"is {len(name)} characters long, no path"
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "holds control characters"
    if _SCHEME.match(name):
        return "is a URL; photos are read from disk only"
    if "\\" in name:
        return "holds a backslash; use / between folders"
    if name.startswith("~") or any(character in name for character in "*?"):
        return "is a pattern; photos are named one by one"
    if ".." in Path(name).parts:
        return "leads out of its folder by '..'"
    return None
