"""What a benchmark says when it ends: the question named before the run, its answer, and then all the rest."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mmskin.audit.run import Say
from mmskin.benchmark.audited import audit_section, audited
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.controls import control_names, control_section
from mmskin.benchmark.costs import cost_section, read_costs
from mmskin.benchmark.explanations import explanations_section
from mmskin.benchmark.headline import headlines
from mmskin.benchmark.methods import methods_section
from mmskin.benchmark.missing_section import missing_section
from mmskin.benchmark.ranked import in_order, ranked_section
from mmskin.benchmark.record import read_record
from mmskin.benchmark.run.fine_tuning import fine_tuning_note
from mmskin.benchmark.run.run import Failure
from mmskin.benchmark.tripod import tripod_section
from mmskin.errors import UserError
from mmskin.evaluation.predictions import arm_names
from mmskin.report.pages import Section, Sections
from mmskin.report.results import Results, Runs, evaluate_runs, read_runs, told
from mmskin.report.results_report import write_report


def write_answer(
    benchmark: Benchmark,
    output: Path,
    failures: Sequence[Failure],
    *,
    replicates: int = 2000,
    say: Say = lambda line: None,
) -> list[str]:
    """report.html, results.json, figures/ and audit/, and the lines for the terminal, the primary difference first.

    Args:
        benchmark: as it was run.
        output: its folder.
        failures: cells that failed.
        replicates: resamples of the patients.
        say: told what is done beside the evaluation.

    Raises:
        UserError: the primary arm or its reference is not finished.
    """
    primary = benchmark.primary
    runs = read_runs([output])
    lacking = [name for name in (primary.arm, primary.reference) if name not in arm_names(runs.table)]
    if lacking:
        raise UserError(f"the primary question has no answer, for {lacking[0]} failed: {_why(lacking[0], failures)}")
    command = " ".join(["mmskin", *sys.argv[1:]])
    results, controls = _evaluated(benchmark, runs, replicates=replicates)
    record = read_record(benchmark, results, output, replicates=replicates, command=command)
    figures = output / "figures"
    sections = Sections(
        above=[
            *_audit(benchmark, output, command=command, say=say),
            ranked_section(results, primary, folder=figures),
        ],
        amid=[
            *([control_section(benchmark, controls, results)] if controls is not None else []),
            *missing_section(benchmark, output, folder=figures, replicates=replicates),
            *explanations_section(benchmark, output),
            cost_section(read_costs(output), results, primary, folder=figures),
        ],
        below=[methods_section(record), tripod_section(record)],
    )
    failed = dict.fromkeys(failure.arm for failure in failures)
    write_report(
        results.table,
        results.metrics,
        path=output / "report.html",
        numbers=output / "results.json",
        title=benchmark.name,
        config=runs.configs[0],
        arm=primary.arm,
        differences=results.differences,
        tests=results.tests,
        subgroups=results.subgroups,
        command=command,
        notes=[
            *fine_tuning_note(benchmark),
            *(f"{name} is left out: it failed in one cell or more ({_why(name, failures)})." for name in failed),
            *results.notes,
        ],
        headlines=headlines(results, primary),
        sections=sections,
        figure_folder=figures,
    )
    return told(results)


def _evaluated(benchmark: Benchmark, runs: Runs, *, replicates: int) -> tuple[Results, Results | None]:
    """The arms that are ranked, and the controls beside the reference, if there are any."""
    primary, is_control = benchmark.primary, runs.table["arm"].isin(control_names(benchmark))
    asked = partial(evaluate_runs, reference=primary.reference, metric=primary.metric, replicates=replicates)
    ranked = in_order(asked(runs._replace(table=runs.table[~is_control]), primary=primary.arm), primary)
    if not is_control.any():
        return ranked, None
    beside = runs.table[is_control | (runs.table["arm"] == primary.reference)]
    return ranked, asked(runs._replace(table=beside))


def _audit(benchmark: Benchmark, output: Path, *, command: str, say: Say) -> list[Section]:
    if not benchmark.audit:
        return []
    return [audit_section(audited(benchmark.data, output, command=command, say=say))]


def _why(arm: str, failures: Sequence[Failure]) -> str:
    return next((failure.reason for failure in failures if failure.arm == arm), "see failures.json")
