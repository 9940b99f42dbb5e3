"""Work that a process can be sent by name, and that ends as its task says."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def work(task: str) -> None:
    """ "die" kills the process, "die once PATH" does so unless the path is there, "fail" raises; else nothing."""
    if task.startswith("die once "):
        path = Path(task.removeprefix("die once "))
        if path.exists():
            return
        path.touch()
    if task.startswith("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "fail":
        raise RuntimeError("two\nlines")
