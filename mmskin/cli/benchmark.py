"""`mmskin benchmark`: many arms on the same folds."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.options import AsJson, Overrides, Replicates
from mmskin.cli.run import say_run


class Executors(StrEnum):
    """Where the cells of a benchmark are run."""

    local = "local"
    ray = "ray"


def benchmark(
    config: Annotated[Path, typer.Argument(help="benchmark, a YAML file such as configs/pad_ufes_20/benchmark.yaml")],
    overrides: Overrides = None,
    *,
    output: Annotated[Path, typer.Option(help="folder for cells, predictions, metrics and report; goes on in its own")],
    executor: Annotated[Executors, typer.Option(help="where cells are run")] = Executors.local,
    ray_address: Annotated[str | None, typer.Option(help="of a Ray cluster; one on this machine if not given")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="cells at a time, a thread each; all cores if not given")
    ] = None,
    replicates: Replicates = 2000,
    quiet: Annotated[bool, typer.Option("--quiet", help="no live table")] = False,
    as_json: AsJson = False,
) -> None:
    """Arms × folds × seeds on the same patients under one recipe. Stopped, the same command goes on."""
    from mmskin.benchmark.benchmark_config import read_benchmark
    from mmskin.benchmark.config_check import check_benchmark

    asked = read_benchmark(config, overrides or [])
    check_benchmark(asked)

    from mmskin.benchmark.run.executors import open_executor  # torch comes after the config is found good

    with open_executor(executor.value, jobs=jobs, ray_address=ray_address) as where:
        say_run(asked, output, where, replicates=replicates, quiet=quiet, as_json=as_json)
