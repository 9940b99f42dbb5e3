"""One run at a time in an output folder."""

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
    """Hold the folder's lock, which the system takes back from a run that is killed.

    Processes that this one starts do not inherit it. On Windows, which has no such lock, nothing is held.

    Raises:
        UserError: another run holds it.
    """
    if sys.platform == "win32":
        yield
        return
    with (output / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another run is at work in {output}: wait until it ends, or give another --output"
            ) from None
        yield
