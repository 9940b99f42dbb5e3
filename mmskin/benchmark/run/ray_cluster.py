"""Cells on a Ray cluster: one on this machine, or a real one whose nodes see the same files."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeVar

from mmskin.benchmark.run.added_parts import AddedParts, add_parts, added_parts
from mmskin.benchmark.run.attempt import attempt
from mmskin.errors import ConfigError

T = TypeVar("T")


class RayExecutor:
    """The same as `LocalExecutor`, by Ray. Data, features and output must lie where every node finds them.

    jobs: tasks at a time; of a cluster with an address, all its processors if None.
    address: of a running cluster; None starts one on this machine, and ends it.
    is_elsewhere: whether its nodes may be other machines.

    Raises:
        ConfigError: Ray is not installed.
    """

    def __init__(self, jobs: int | None, *, address: str | None = None) -> None:
        try:
            import ray
        except ModuleNotFoundError:
            raise ConfigError("--executor ray needs: pip install 'mmskin[ray]'") from None
        self.ray: Any = ray
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 would starve the cells beside any other program
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a cell sees what a local one sees
        try:
            here: dict[str, Any] = {"num_cpus": jobs} if address is None else {"address": address}
            ray.init(include_dashboard=False if address is None else None, log_to_driver=False, **here)
        except ConnectionError as error:
            raise ConfigError(f"--ray-address {address}: {' '.join(str(error).split())}") from None
        self.is_elsewhere = address is not None
        self.jobs = jobs or int(ray.cluster_resources().get("CPU", 1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.ray.shutdown()

    def run(
        self, work: Callable[[T], None], tasks: Sequence[T], *, begin: Callable[[T], None]
    ) -> Iterator[tuple[T, str]]:
        """Every task once; see `LocalExecutor.run`. A task whose process dies is tried once more."""
        remote = self.ray.remote(num_cpus=1, max_retries=1)(attempt_with)
        parts = self.ray.put(added_parts())
        waiting = deque(tasks)
        running: dict[Any, T] = {}
        while waiting or running:
            while waiting and len(running) < self.jobs:
                task = waiting.popleft()
                begin(task)
                running[remote.remote(parts, work, task)] = task
            done, _ = self.ray.wait(list(running), num_returns=1)
            for answer in done:
                try:
                    reason = str(self.ray.get(answer))
                except self.ray.exceptions.RayError as error:
                    reason = " ".join(f"{type(error).__name__}: {error}".split())
                yield running.pop(answer), reason


def attempt_with(parts: AddedParts, work: Callable[[T], None], task: T) -> str:
    """As `attempt`, in a process that may not have the parts yet."""
    add_parts(parts)
    return attempt(work, task)
