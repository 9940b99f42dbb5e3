"""One writing command at a time in an output folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmskin.errors import UserError

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back from a command that is killed; the folder is made.

    Processes that this one starts do not inherit it. On Windows, which has no such lock, nothing is held.

    Raises:
        UserError: another command holds it.
    """
    output.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    with (output / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another command writes into {output}: wait until it ends, or give another --output"
            ) from None
        yield
