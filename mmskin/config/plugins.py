"""Modules of other people: imported by name, they register their parts."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module

from mmskin.errors import ConfigError


def import_plugins(modules: Iterable[str]) -> None:
    """Import modules, from the folder in which a command is run as well.

    Raises:
        ConfigError: one cannot be imported; with the reason, in one line.
    """
    for module in modules:
        if "" not in sys.path:
            sys.path.insert(0, "")
        try:
            import_module(module)
        except Exception as error:  # whatever a module does when it is imported
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise ConfigError(
                f"--plugin {module} cannot be imported: {reason}; give the name of a module as in `import {module}`, "
                "one that is installed or lies in this folder"
            ) from error
