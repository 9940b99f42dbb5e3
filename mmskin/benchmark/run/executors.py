"""Where cells can be run, by name."""

from __future__ import annotations

import os
from typing import Literal

from mmskin.benchmark.run.local import LocalExecutor
from mmskin.benchmark.run.ray_cluster import RayExecutor
from mmskin.errors import ConfigError


def open_executor(
    name: Literal["local", "ray"] | str, *, jobs: int | None = None, ray_address: str | None = None
) -> LocalExecutor | RayExecutor:
    """An executor, to be closed by `with`.

    Args:
        name: local or ray.
        jobs: tasks at a time; all cores, or all of the cluster, if None.
        ray_address: of a running cluster.

    Raises:
        ConfigError: an address without Ray, or Ray is not installed.
    """
    if name != "ray":
        if ray_address is not None:
            raise ConfigError(f"--ray-address {ray_address} needs --executor ray")
        return LocalExecutor(jobs or cores())
    return RayExecutor(jobs if ray_address else jobs or cores(), address=ray_address)


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
