"""From a benchmark to one predictions table: which cells are missing, run them, gather what they left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import pandas as pd

from mmskin.benchmark.arms import check_arms
from mmskin.benchmark.audited import AuditTask, audited
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.config_check import check_benchmark
from mmskin.benchmark.missing_cells import is_asked
from mmskin.benchmark.run.cell import CellTask, one_thread, run_cell
from mmskin.benchmark.run.feature_task import FeatureTask, compute_features, feature_tasks
from mmskin.benchmark.run.fine_tuning import TuningTask, check_fine_tuning, fine_tune, tuning_tasks, with_tuned_encoders
from mmskin.benchmark.run.folds import folds_of_arms
from mmskin.benchmark.run.grid import Cell, cell_of, cells_of, claim, claim_folds, replace
from mmskin.benchmark.run.lock import locked
from mmskin.benchmark.run.progress import Progress
from mmskin.data.load import folds_of, folds_to_test, load_cases, prepare_fold
from mmskin.data.table import Cases
from mmskin.errors import UserError
from mmskin.evaluation.predictions import arm_names, read_predictions, write_predictions
from mmskin.training.run import Say

T = TypeVar("T")


class Executor(Protocol):
    """Where tasks are run; see `LocalExecutor`."""

    jobs: int

    def run(
        self, work: Callable[[T], None], tasks: Sequence[T], *, begin: Callable[[T], None]
    ) -> Iterator[tuple[T, str]]: ...


class Failure(NamedTuple):
    """A cell that failed, and why in one line."""

    arm: str
    fold: int
    seed: int
    reason: str


def run_benchmark(
    benchmark: Benchmark, output: Path, *, executor: Executor, say: Say = print, quiet: bool = False
) -> tuple[pd.DataFrame, list[Failure]]:
    """Run every cell that is not there yet.

    Args:
        benchmark: what to do.
        output: folder for config.json, folds.csv, schema.json, encoders, cells, costs.json, failures.json and
            predictions.parquet. If it holds the same benchmark, fine-tuned encoders and finished cells are kept, and
            failed ones tried again.
        executor: where cells are run; results are bit-equal whichever it is.
        say: told what happens, a line at a time.
        quiet: no live table.

    Returns:
        The predictions table of all arms whose cells are all finished, the primary arm first, then its reference; and
        what failed. An arm that draws nothing stands there once a seed, with the same answers.

    Raises:
        UserError: bad input, a folder that holds another benchmark or in which another run is at work, an encoder that
            cannot be fine-tuned, or features that cannot be computed.
    """
    check_benchmark(benchmark)
    cases = load_cases(benchmark.data)
    check_arms(benchmark, cases.schema)
    check_fine_tuning(benchmark, cases.schema)
    claim(benchmark, output)
    with locked(output):
        return run_claimed(benchmark, cases, output, executor=executor, say=say, quiet=quiet)


def run_claimed(
    benchmark: Benchmark, cases: Cases, output: Path, *, executor: Executor, say: Say, quiet: bool
) -> tuple[pd.DataFrame, list[Failure]]:
    """As `run_benchmark`, in a folder that is this run's own."""
    numbers = folds_of(benchmark.data, cases)
    claim_folds(cases, numbers, output)
    tested = folds_to_test(benchmark.data, numbers)
    folds = folds_of_arms(benchmark, cases, numbers, tested)
    cells = cells_of(benchmark, tested)
    finished = [cell for cell in cells if cell.predictions(output).exists()]
    waiting = [cell for cell in cells if cell not in set(finished)]
    say(f"{len(cases.table)} cases, {len(benchmark.arms)} arms, {len(tested)} folds, {len(benchmark.seeds)} seeds:")
    say(f"{len(cells)} cells, {len(finished)} of them finished")
    if waiting:
        learning = [prepare_fold(benchmark.data, cases, numbers, k) for k in tested] if benchmark.fine_tune else []
        fine_tune_all(tuning_tasks(benchmark, learning, output), executor, say=say)
        benchmark = with_tuned_encoders(benchmark, output)
        audit = [AuditTask(benchmark.data, output)] if benchmark.audit else []
        features = feature_tasks(benchmark, dict.fromkeys(cell.arm for cell in waiting), folds)
        prepare_all([*features, *audit], executor, say=say)
    note_failures([], output)
    with Progress(cells, finished, jobs=executor.jobs, quiet=quiet) as progress:
        measured = {cell for cell in cells if cell[1:] == (tested[0], benchmark.seeds[0])}
        todo = [
            CellTask(benchmark, cell, folds[cell.arm, cell.fold], output, is_measured=cell in measured)
            for cell in waiting
        ]
        failures = run_cells(todo, executor, progress)
    table = gather(benchmark, tested, output)
    replace(output / "costs.json", json.dumps(costs(cells, output), indent=1) + "\n")
    return table, failures


def run_cells(tasks: Sequence[CellTask], executor: Executor, progress: Progress) -> list[Failure]:
    """Every cell once, those that stack others when these have ended; failures.json is written as they come."""
    failures: list[Failure] = []

    def begin(task: CellTask) -> None:
        progress.begin(task.cell)

    for stacks in (False, True):
        wave = [task for task in tasks if bool(task.benchmark.arms[task.cell.arm].stacked) == stacks]
        for task, reason in executor.run(run_cell, wave, begin=begin):
            progress.end(task.cell, failed=bool(reason))
            if reason:
                failures.append(Failure(*task.cell, reason))
                note_failures(failures, task.output)
    return failures


def fine_tune_all(tasks: Sequence[TuningTask], executor: Executor, *, say: Say) -> None:
    """Every encoder that is not fine-tuned yet.

    Raises:
        UserError: one failed; no arm that reads it could be fitted.
    """

    def begin(task: TuningTask) -> None:
        say(f"fine-tuning: {task.modality}, fold {task.fold.number}")

    waiting = [task for task in tasks if not task.is_finished]
    done = len(tasks) - len(waiting)
    for task, reason in executor.run(fine_tune, waiting, begin=begin):
        if reason:
            raise UserError(f"fine-tuning of encoders.{task.modality} on fold {task.fold.number}: {reason}")
        done += 1
        say(f"fine-tuned: {task.modality}, fold {task.fold.number}; {done} of {len(tasks)}")


def prepare_all(tasks: Sequence[FeatureTask | AuditTask], executor: Executor, *, say: Say) -> None:
    """Every frozen encoder over all that will be read of it, and beside them the audit, which leaves a process free.

    Raises:
        UserError: one failed; no arm that reads it could be fitted, or what the arms say would not be worth reading.
    """

    def told(task: FeatureTask | AuditTask) -> str:
        return "audit of the data" if isinstance(task, AuditTask) else f"features: {task.modality}, {task.slot['name']}"

    for task, reason in executor.run(prepare, tasks, begin=lambda task: say(told(task))):
        if reason:
            raise UserError(f"{told(task)}: {reason}")


def prepare(task: FeatureTask | AuditTask) -> None:
    if isinstance(task, FeatureTask):
        return compute_features(task)
    with one_thread():
        audited(task.data, task.output, command=task.command)
    return None


def gather(benchmark: Benchmark, folds: Sequence[int], output: Path) -> pd.DataFrame:
    """predictions.parquet, and missing.parquet beside it, from the arms whose cells are all finished.

    Raises:
        UserError: there is no such arm.
    """
    tables = []
    first = (benchmark.primary.arm, benchmark.primary.reference)
    for arm in sorted(benchmark.arms, key=lambda name: first.index(name) if name in first else len(first)):
        cells = {(fold, seed): cell_of(benchmark, arm, fold, seed) for fold in folds for seed in benchmark.seeds}
        if all(cell.predictions(output).exists() for cell in cells.values()):
            tables += [
                read_predictions(cell.predictions(output)).assign(seed=seed) for (_, seed), cell in cells.items()
            ]
    if not tables:
        raise UserError(f"no arm could be finished; {output / 'failures.json'} says why")
    table = pd.concat(tables, ignore_index=True)
    write_predictions(table, output / "predictions.parquet")
    asked = [arm for arm in arm_names(table) if is_asked(benchmark, arm)]
    if asked:
        places = [cell_of(benchmark, arm, fold, benchmark.seeds[0]).missing(output) for arm in asked for fold in folds]
        write_predictions(pd.concat(map(read_predictions, places), ignore_index=True), output / "missing.parquet")
    return table


def costs(cells: Sequence[Cell], output: Path) -> list[dict[str, object]]:
    """What every fine-tuned encoder, then every finished cell took: seconds, CPU seconds, parameters; in one cell an
    arm also `AnswerCost`.
    """
    places = sorted((output / "encoders").glob("*/*/cost.json"))
    places += [cell.folder(output) / "cost.json" for cell in cells if cell.predictions(output).exists()]
    return [json.loads(place.read_text()) for place in places]


def note_failures(failures: Sequence[Failure], output: Path) -> None:
    replace(output / "failures.json", json.dumps([failure._asdict() for failure in failures], indent=1) + "\n")
