"""Cells in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Self, TypeVar

from mmskin.benchmark.run.added_parts import AddedParts, add_parts, added_parts
from mmskin.benchmark.run.attempt import attempt

T = TypeVar("T")


class LocalExecutor:
    """A pool of processes, each with one task at a time.

    jobs: processes.
    """

    is_elsewhere = False

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.pool = new_pool(jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.pool.shutdown(cancel_futures=True)

    def run(
        self, work: Callable[[T], None], tasks: Sequence[T], *, begin: Callable[[T], None]
    ) -> Iterator[tuple[T, str]]:
        """Every task once.

        Args:
            work: a function that a process can be sent by name.
            tasks: begun in this order.
            begin: called when a task is begun.

        Yields:
            A task that has ended, and why it failed or "". If a process dies, what it and its neighbours were doing is
            done again, each alone, so that the one that killed it is known.
        """
        waiting = deque(tasks)
        running: dict[Future[str], T] = {}
        while waiting or running:
            broken = False
            while waiting and len(running) < self.jobs and not broken:
                try:
                    running[self.pool.submit(attempt, work, waiting[0])] = waiting[0]
                    begin(waiting.popleft())
                except BrokenProcessPool:
                    broken = True
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            if broken or any(isinstance(future.exception(), BrokenProcessPool) for future in done):
                suspects = list(running.values())
                running.clear()
                self.pool.shutdown()
                self.pool = new_pool(self.jobs)
                for task in suspects:
                    yield task, run_alone(work, task)
                continue
            for future in done:
                yield running.pop(future), future.result()


def run_alone(work: Callable[[T], None], task: T) -> str:
    """A task in a new process, and once more if that dies: why it failed, or "".

    Twice, for a task that was sent to a pool when a neighbour killed it may not have been begun there.
    """
    for _ in range(2):
        with new_pool(1) as pool:
            try:
                return pool.submit(attempt, work, task).result()
            except BrokenProcessPool:
                continue
    return "its process was killed, twice; perhaps memory ran out: try fewer --jobs"


def new_pool(jobs: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=begin_worker, initargs=(added_parts(),))


def begin_worker(parts: AddedParts) -> None:
    """What a new process does before its first task."""
    end_with_parent()
    add_parts(parts)


def end_with_parent() -> None:
    """Leave when the program that started this process is killed: else it would wait for tasks for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
