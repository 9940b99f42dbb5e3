"""Cells one after the other in this process: no interpreter to start, and a fault can be followed to its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Self, TypeVar

from mmskin.benchmark.run.attempt import attempt

T = TypeVar("T")


class ThisProcess:
    """An executor that starts no process.

    keep_going: a task that fails is given back with its reason, as by other executors; else its error goes through.
    """

    jobs = 1
    is_elsewhere = False

    def __init__(self, *, keep_going: bool = True) -> None:
        self.keep_going = keep_going

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to close."""

    def run(
        self, work: Callable[[T], None], tasks: Sequence[T], *, begin: Callable[[T], None]
    ) -> Iterator[tuple[T, str]]:
        """Every task once; see `LocalExecutor.run`."""
        for task in tasks:
            begin(task)
            if self.keep_going:
                yield task, attempt(work, task)
            else:
                work(task)
                yield task, ""
