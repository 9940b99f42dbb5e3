"""The end of `mmskin train`, `benchmark` and `evaluate`: the lines that a person reads first, and the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mmskin.cli.console import print_lines, say

if TYPE_CHECKING:
    from mmskin.benchmark.benchmark_config import Benchmark
    from mmskin.benchmark.run.run import Executor


def say_report(runs: list[Path], output: Path, *, title: str, **question: Any) -> None:
    """Evaluate finished runs, print the lines that a person reads first, write the report."""
    from mmskin.evaluation.results import evaluate_runs, read_runs
    from mmskin.report.pages import typed_command
    from mmskin.report.results_report import write_report
    from mmskin.report.summary_lines import summary_lines

    results = evaluate_runs(read_runs(runs), **question)
    page = write_report(results, output, title=title, command=typed_command())
    print_lines(summary_lines(results))
    say(f"report: {page}")


def say_run(
    benchmark: Benchmark, output: Path, executor: Executor, *, replicates: int = 2000, quiet: bool = False
) -> None:
    """Run what is not there yet, print the lines that a person reads first, write the report.

    Raises:
        typer.Exit: with 1, if a cell failed.
    """
    from mmskin.benchmark.answer import write_answer
    from mmskin.benchmark.run.run import run_benchmark
    from mmskin.report.summary_lines import summary_lines

    failures = run_benchmark(benchmark, output, executor=executor, say=say, quiet=quiet)[1]
    print_lines(f"failed: {f.arm}, fold {f.fold}, seed {f.seed}: {f.reason}" for f in failures)
    print_lines(summary_lines(write_answer(benchmark, output, failures, replicates=replicates, say=say)))
    say(f"report: {output / 'report.html'}")
    if failures:
        raise typer.Exit(1)
