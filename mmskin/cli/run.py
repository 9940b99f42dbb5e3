"""The end of `mmskin train` and `mmskin benchmark`: run what is not there yet, report, say what came out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mmskin.cli.console import json_on_stdout, print_lines, say

if TYPE_CHECKING:
    from mmskin.benchmark.benchmark_config import Benchmark
    from mmskin.benchmark.run.preparation import Executor


def say_run(
    benchmark: Benchmark,
    output: Path,
    executor: Executor,
    *,
    replicates: int = 2000,
    quiet: bool = False,
    as_json: bool = False,
) -> None:
    """Run what is not there yet, write the report, say what came out; exit code 1 if a cell failed."""
    from mmskin.benchmark.answer import write_answer
    from mmskin.benchmark.run.run import run_benchmark
    from mmskin.report.summary_lines import summary, summary_lines

    with json_on_stdout(as_json) as tell:
        failures = run_benchmark(benchmark, output, executor=executor, say=say, quiet=quiet or as_json)[1]
        for failure in failures:
            print(f"failed: {failure.arm}, fold {failure.fold}, seed {failure.seed}: {failure.reason}")
        results = write_answer(benchmark, output, failures, replicates=replicates, say=say)
        print_lines(summary_lines(results))
        tell(summary(results) | {"failures": [failure._asdict() for failure in failures], **_written(output)})
    say(f"report: {output / 'report.html'}")
    if failures:
        raise typer.Exit(1)


def _written(output: Path) -> dict[str, str]:
    """Where the whole answer stands."""
    return {"output": str(output), "report": str(output / "report.html"), "results": str(output / "results.json")}
