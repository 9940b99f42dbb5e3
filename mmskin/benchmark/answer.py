"""What a benchmark says when it ends: the question named before the run, its answer, and then all the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmskin.benchmark.config import Benchmark
from mmskin.benchmark.fine_tuning import fine_tuning_note
from mmskin.benchmark.run import Failure
from mmskin.errors import UserError
from mmskin.evaluation.predictions import arm_names
from mmskin.results import read_runs, write_results


def write_answer(
    benchmark: Benchmark, output: Path, failures: Sequence[Failure], *, replicates: int = 2000
) -> list[str]:
    """metrics.json and report.html, and the lines for the terminal, the primary difference first.

    Raises:
        UserError: the primary arm or its reference is not finished.
    """
    primary = benchmark.primary
    runs = read_runs([output])
    lacking = [name for name in (primary.arm, primary.reference) if name not in arm_names(runs.table)]
    if lacking:
        raise UserError(f"the primary question has no answer, for {lacking[0]} failed: {_why(lacking[0], failures)}")
    metric = primary.metric.replace("_", " ")
    question = f"{primary.arm} - {primary.reference}, {metric}"
    failed = dict.fromkeys(failure.arm for failure in failures)
    notes = [
        f"Primary, named before the run: {question}. Everything else on this page is exploratory.",
        *fine_tuning_note(benchmark),
        *(f"{name} is left out: it failed in one cell or more ({_why(name, failures)})." for name in failed),
    ]
    lines = write_results(
        runs,
        output,
        reference=primary.reference,
        primary=primary.arm,
        title=benchmark.name,
        replicates=replicates,
        notes=notes,
    )
    answer = [line for line in lines if line.startswith(question)]
    rest = [line for line in lines if line not in answer]
    return ["primary, named before the run:", *answer, "", "exploratory:", *rest]


def _why(arm: str, failures: Sequence[Failure]) -> str:
    return next((failure.reason for failure in failures if failure.arm == arm), "see failures.json")
