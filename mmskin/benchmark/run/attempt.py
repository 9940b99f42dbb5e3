"""A task that may fail: in place of an exception one line that says why, which any process can hand over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mmskin.errors import MmskinError

T = TypeVar("T")


def attempt(work: Callable[[T], None], task: T) -> str:
    """Do the work; "" if it was done, else the reason in one line."""
    try:
        work(task)
    except Exception as error:
        reason = " ".join(str(error).split())
        return reason if isinstance(error, MmskinError) else f"{type(error).__name__}: {reason}"
    return ""
