"""From arms to one predictions table: which cells are missing, run them wave by wave, gather what they left."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mmskin.benchmark.arms import NeuralArm, ResolvedArm
from mmskin.benchmark.audited import AuditTask
from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.baselines.table_arm_contract import Facts
from mmskin.benchmark.benchmark_config import Benchmark, of_one_arm
from mmskin.benchmark.config_check import check_benchmark
from mmskin.benchmark.resolve import resolve, shared_by, waves
from mmskin.benchmark.run.cell import CellTask, run_cell
from mmskin.benchmark.run.feature_task import FeatureTask, feature_tasks
from mmskin.benchmark.run.folder import claim, claim_cells, write_json
from mmskin.benchmark.run.folds import Folds, folds_of_arms
from mmskin.benchmark.run.grid import Cell, cell_of, cells_of
from mmskin.benchmark.run.local import LocalExecutor
from mmskin.benchmark.run.preparation import Executor, Say, prepare_all
from mmskin.benchmark.run.progress import Progress
from mmskin.benchmark.run.this_process import ThisProcess
from mmskin.benchmark.search.search import Search, SearchTask, begin_search, check_searches, searches_of
from mmskin.benchmark.taught_arms import with_taught
from mmskin.config.build import build
from mmskin.config.experiment import Experiment
from mmskin.data.load import asked_fields, check_photos, folds_of, folds_to_test, labelled_cases, read_source
from mmskin.data.table import Cases
from mmskin.errors import ConfigError, UserError, first_of
from mmskin.evaluation.predictions import arm_names, read_predictions, write_predictions
from mmskin.inputs.corruptions import Corruption
from mmskin.inputs.feature_store import check_room, in_megabytes, stored_bytes
from mmskin.inputs.unreadable_photos import without_unreadable
from mmskin.output_lock import locked
from mmskin.schema import Schema
from mmskin.training.accelerator import check_accelerator


class Failure(NamedTuple):
    """A cell that failed, and why in one line."""

    arm: str
    fold: int
    seed: int
    reason: str


class Run(NamedTuple):
    """What is run, each part of it once.

    arms: by name.
    seeds: of the run; an arm may have some of them.
    folds: as each arm sees them.
    tested: their numbers.
    missing_rates: by arm, at which fields of test cases are hidden once more.
    judged: the arm whose safeguards are measured, "" for none.
    corruptions: by arm, faults that photos of test cases are given once more.
    explained: by arm, test cases on which explanations are measured in its first cell.
    first: arms that the predictions table begins with.
    features, features_limit: where outputs of frozen encoders are kept, and above how many gigabytes none are added.
    searches: by arm, of those whose recipe is searched.
    """

    output: Path
    arms: Mapping[str, ResolvedArm]
    seeds: tuple[int, ...]
    folds: Folds
    tested: tuple[int, ...]
    missing_rates: Mapping[str, tuple[float, ...]]
    corruptions: Mapping[str, tuple[Corruption, ...]]
    explained: Mapping[str, int]
    judged: str = ""
    first: tuple[str, ...] = ()
    features: Path = Path("runs/features")
    features_limit: float = 20
    searches: Mapping[str, Search] = {}

    def with_arms(self, arms: Mapping[str, ResolvedArm]) -> Run:
        """The same with other encoders in its arms, such as taught ones."""
        searches = {name: of._replace(encoders=arms[name].encoders) for name, of in self.searches.items()}
        return self._replace(arms=arms, searches=searches)

    def cells(self, arm: ResolvedArm) -> list[Cell]:
        return cells_of(arm.name, arm.seeds, self.tested)

    @property
    def has_test(self) -> bool:
        """Whether test rows are given at all."""
        return any(len(fold.split.test) for fold in self.folds.values())

    def depends_on(self, arm: ResolvedArm) -> dict[str, Any]:
        """What the arm's answers depend on beside data and versions."""
        searched = {"search": self.searches[arm.name].to_json()} if arm.name in self.searches else {}
        asked = {"missing_rates": list(self.missing_rates[arm.name]), "test": self.has_test}
        corruptions = self.corruptions[arm.name]
        corrupted = {"robustness": [list(corruption) for corruption in corruptions]} if corruptions else {}
        judged = {"is_judged": True} if arm.name == self.judged else {}
        return arm.to_json() | asked | corrupted | judged | searched

    def read_by(self, arm: ResolvedArm, name: str, cell: Cell) -> tuple[Cell, ...]:
        """The cells of another arm that a cell of this arm reads."""
        seeds = self.arms[name].seeds
        if arm.reads_all_seeds:
            return tuple(cells_of(name, seeds, [cell.fold]))
        return (cell_of(name, seeds, fold=cell.fold, seed=cell.seed),)

    def task(self, arm: ResolvedArm, cell: Cell, *, progress: bool) -> CellTask:
        is_first = cell[1:] == (self.tested[0], arm.seeds[0])
        is_asked = cell == cell_of(arm.name, arm.seeds, fold=cell.fold, seed=self.seeds[0])
        return CellTask(
            self.searches[arm.name].chosen(cell.fold) if arm.name in self.searches else arm,
            cell,
            self.folds[arm.name, cell.fold],
            self.output,
            {name: self.read_by(arm, name, cell) for name in arm.reads},
            self.depends_on(arm),
            missing_rates=self.missing_rates[arm.name] if is_asked else (),
            is_judged=is_asked and arm.name == self.judged,
            corruptions=self.corruptions[arm.name] if is_asked else (),
            explained=self.explained.get(arm.name, 0) if is_first else 0,
            is_costed=is_first and len(self.arms) > 1 and self.has_test,
            progress=progress,
        )


def run_benchmark(
    benchmark: Benchmark,
    output: Path,
    *,
    executor: Executor,
    say: Say = print,
    quiet: bool = False,
    cases: Cases | None = None,
) -> tuple[pd.DataFrame, list[Failure]]:
    """Run every cell that is not there yet.

    Args:
        benchmark: what to do.
        output: folder for config.json, data.json, folds.csv, schema.json, fields_excluded.json, cells, costs.json,
            failures.json and predictions.parquet. If it holds a run of the same data, finished cells are kept, and
            failed ones tried again.
        executor: where cells are run; results are bit-equal whichever it is.
        say: told what happens, a line at a time.
        quiet: no live table and no bars.
        cases: in place of those that the data section names.

    Returns:
        The predictions table of all arms whose cells are all finished, the primary arm first, then its reference; and
        what failed. An arm that draws nothing stands there once a seed, with the same answers.

    Raises:
        UserError: bad input; a folder that holds something else, a run of other data, or in which another run is at
            work; features that cannot be computed.
    """
    check_benchmark(benchmark, reads_data=cases is None)
    arms = resolve(benchmark, output)
    check_searches(benchmark.arms, shared_by(benchmark), output)
    if not executor.is_elsewhere:  # else every cell says so itself
        check_accelerators(arms)
    reads_photos = any("photo" in arm.parts for arm in arms.values())
    source = read_source(benchmark.data) if cases is None else cases
    source = without_unreadable(benchmark.data, source) if reads_photos else source
    labelled = labelled_cases(source, fields=asked_fields(benchmark.data, source.schema))
    check_table_arms(arms, labelled.schema)
    if reads_photos:
        check_photos(benchmark.data, source)
    with locked(output):
        numbers = folds_of(benchmark.data, labelled)
        claim(output, cases=labelled, folds=numbers, config=benchmark.to_json())
        run = planned(benchmark, arms, labelled, numbers, output)
        return run_planned(
            run.with_arms(with_taught(arms, labelled.schema, say=say)),
            executor=executor,
            say=say,
            quiet=quiet,
            audit=AuditTask(benchmark.data, output) if benchmark.audit and cases is None else None,
            remarks=labelled.remarks,
        )


def run_experiment(
    experiment: Experiment, output: Path, *, jobs: int = 1, say: Say = print, progress: bool = True
) -> pd.DataFrame:
    """An experiment as a run of one arm: its predictions table, validation and test rows of every fold.

    Args:
        experiment: what to do.
        output: see `run_benchmark`.
        jobs: folds trained at the same time, each in a process of its own.
        say: told what happens, a line at a time.
        progress: show bars.

    Raises:
        UserError: see `run_benchmark`, or a fold that failed.
    """
    with ThisProcess(keep_going=False) if jobs == 1 else LocalExecutor(jobs) as executor:
        table, failures = run_benchmark(of_one_arm(experiment), output, executor=executor, say=say, quiet=not progress)
    if failures:
        raise UserError(f"fold {failures[0].fold}: {failures[0].reason}")
    return table


def check_accelerators(arms: Mapping[str, ResolvedArm]) -> None:
    """Refuse, before photos are read, arms that would be trained on a device which is not there.

    Raises:
        ConfigError: the first such device.
    """
    for arm in arms.values():
        if isinstance(arm, NeuralArm):
            check_accelerator(arm.experiment.training.accelerator)


def planned(
    benchmark: Benchmark, arms: Mapping[str, ResolvedArm], cases: Cases, numbers: pd.Series[int], output: Path
) -> Run:
    """What the benchmark asks for, as plain values."""
    tested = folds_to_test(benchmark.data, numbers)
    rates = tuple(benchmark.missing_parts.rates) if benchmark.missing_parts and benchmark.test else ()
    corruptions = benchmark.robustness.asked if benchmark.robustness and benchmark.test else ()
    is_asked = {name: not (arm.shuffled or arm.reads_all_seeds) for name, arm in arms.items()}
    primary = benchmark.primary
    first_asked = primary.arm if primary else next(iter(arms))
    return Run(
        output,
        arms,
        tuple(benchmark.seeds),
        folds_of_arms(arms.values(), cases, numbers, tested, test=benchmark.test),
        tuple(tested),
        missing_rates={name: rates if asked else () for name, asked in is_asked.items()},
        corruptions={name: corruptions if asked else () for name, asked in is_asked.items()},
        explained={primary.arm: benchmark.explanations or 0} if primary and benchmark.test else {},
        judged=first_asked if benchmark.safeguards and benchmark.test else "",
        first=(primary.arm, primary.reference) if primary else (),
        features=Path(benchmark.features),
        features_limit=benchmark.features_limit,
        searches=searches_of(benchmark.arms, shared_by(benchmark), output),
    )


def run_planned(
    run: Run, *, executor: Executor, say: Say, quiet: bool, audit: AuditTask | None, remarks: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[Failure]]:
    """As `run_benchmark`, in a folder that is this run's own."""
    cells = [cell for wave in waves(run.arms) for arm in wave for cell in run.cells(arm)]
    finished = [cell for cell in cells if cell.predictions(run.output).exists()]
    depends_on = {name: run.depends_on(arm) for name, arm in run.arms.items()}
    claim_cells(run.output, depends_on, [cell for cell in cells if cell not in finished])
    for remark in remarks:
        say(f"note: {remark}")
    for number in run.tested:
        say(_fold_line(run, number))
    write_json(run.output / "fields_excluded.json", fields_excluded(run))
    say(f"{len(cells)} cells ({len(run.arms)} arms), {len(finished)} of them finished")
    write_json(run.output / "failures.json", [])
    failures: list[Failure] = []
    bars = not quiet and executor.jobs == 1 and len(run.arms) == 1
    with Progress(cells, finished, jobs=executor.jobs, quiet=quiet or bars) as progress:
        for wave in waves(run.arms):
            waiting = [(arm, cell) for arm in wave for cell in run.cells(arm) if cell not in finished]
            if not waiting:
                continue
            unread = dict.fromkeys(arm.name for arm, _ in waiting)
            features = feature_tasks([run.arms[name] for name in unread], run.folds, run.missing_rates)
            features = [task for task in features if not _waits_in_vain(task, run, failures)]
            if features:
                check_room(run.features, limit=run.features_limit)
            prepare_all([*features, *([audit] if audit else [])], executor, say=say)
            if features:
                say(f"features of frozen encoders: {in_megabytes(stored_bytes(run.features))} in {run.features}")
            audit = None
            prepare_all(search_tasks(run, waiting), executor, say=say)
            tasks = [run.task(arm, cell, progress=bars) for arm, cell in waiting]
            failures += run_cells(tasks, failures, executor, progress)
    table = gather(run)
    write_json(run.output / "costs.json", costs(cells, run.output))
    return table, failures


def _fold_line(run: Run, number: int) -> str:
    by_arm = {name: run.folds[name, number] for name in run.arms}
    split = next(iter(by_arm.values())).split
    fields = sorted({len(fold.schema.fields) for fold in by_arm.values()})
    excluded = dict.fromkeys(name for fold in by_arm.values() for name in fold.excluded)
    return (
        f"fold {number}: {len(split.train):,} cases train, {len(split.val):,} validate, {len(split.test):,} test; "
        f"arms read {' or '.join(map(str, fields))} fields of the history"
        + (f"; excluded by always_recorded: {first_of(list(excluded), len(excluded))}" if excluded else "")
    )


def fields_excluded(run: Run) -> dict[str, str]:
    """By field, why it is left out in the first fold that leaves it out, and in which folds unless in all."""
    reasons: dict[str, str] = {}
    folds: dict[str, list[int]] = {}
    for number in run.tested:
        of_fold = {name: reason for arm in run.arms for name, reason in run.folds[arm, number].excluded.items()}
        for name, reason in of_fold.items():
            reasons.setdefault(name, reason)
            folds.setdefault(name, []).append(number)
    return {
        name: f"{reason} (in fold {', '.join(map(str, folds[name]))})" if len(folds[name]) < len(run.tested) else reason
        for name, reason in reasons.items()
    }


def _waits_in_vain(task: FeatureTask, run: Run, failures: Sequence[Failure]) -> bool:
    """Whether the encoder should have come from a cell that failed: the cells that read it say so."""
    weights = str(task.slot.get("weights", ""))
    return any(weights.startswith(str(Cell(*failure[:3]).folder(run.output))) for failure in failures)


def run_cells(
    tasks: Sequence[CellTask], failed: Sequence[Failure], executor: Executor, progress: Progress
) -> list[Failure]:
    """Every cell of a wave once; failures.json is written as they come. One that reads a failed cell is not begun."""
    failures: list[Failure] = []
    not_there = {Cell(*failure[:3]) for failure in failed}

    def note(cell: Cell, reason: str) -> None:
        failures.append(Failure(*cell, reason))
        write_json(tasks[0].output / "failures.json", [f._asdict() for f in (*failed, *failures)])

    ready = []
    for task in tasks:
        lacking = [name for name, cells in task.sources.items() if not_there & {*cells}]
        if lacking:
            progress.begin(task.cell)
            progress.end(task.cell, failed=True)
            note(task.cell, f"it reads {lacking[0]}, which failed")
        else:
            ready.append(task)
    for task, reason in executor.run(run_cell, ready, begin=lambda task: progress.begin(task.cell)):
        progress.end(task.cell, failed=bool(reason))
        if reason:
            note(task.cell, reason)
    return failures


def search_tasks(run: Run, waiting: Sequence[tuple[ResolvedArm, Cell]]) -> list[SearchTask]:
    """The searches whose recipes waiting cells need, one an arm and fold.

    Raises:
        UserError: one that is there is of another recipe, search or version.
    """
    asked = dict.fromkeys((cell.arm, cell.fold) for _, cell in waiting if cell.arm in run.searches)
    for arm, fold in asked:
        begin_search(run.searches[arm].folder(fold), run.depends_on(run.arms[arm]))
    tasks = [SearchTask(run.searches[arm], run.folds[arm, fold]) for arm, fold in asked]
    return [task for task in tasks if not task.search.chosen_file(task.fold.number).exists()]


def gather(run: Run) -> pd.DataFrame:
    """predictions.parquet, with missing.parquet and robustness.parquet beside it, from arms whose cells are finished.

    Raises:
        UserError: there is no such arm.
    """
    tables = []
    ordered = sorted(run.arms, key=lambda name: run.first.index(name) if name in run.first else len(run.first))
    for name in ordered:
        seeds = run.arms[name].seeds
        cells = {(k, seed): cell_of(name, seeds, fold=k, seed=seed) for k in run.tested for seed in run.seeds}
        if all(cell.predictions(run.output).exists() for cell in cells.values()):
            tables += [
                read_predictions(cell.predictions(run.output)).assign(seed=seed) for (_, seed), cell in cells.items()
            ]
    if not tables:
        reasons = json.loads((run.output / "failures.json").read_text(encoding="utf-8"))
        why = f": {reasons[0]['reason']}" if reasons else ""
        raise UserError(f"no arm could be finished{why}; {run.output / 'failures.json'} has all reasons")
    table = pd.concat(tables, ignore_index=True)
    write_predictions(table, run.output / "predictions.parquet")
    finished = arm_names(table)
    asked_of(run, [name for name in finished if run.missing_rates[name]], Cell.missing, "missing.parquet")
    asked_of(run, [name for name in finished if run.corruptions[name]], Cell.robustness, "robustness.parquet")
    judged = [name for name in finished if name == run.judged and isinstance(run.arms[name], NeuralArm)]
    asked_of(run, judged, Cell.parts, "parts.parquet")
    return table


def asked_of(run: Run, arms: Sequence[str], place: Callable[[Cell, Path], Path], name: str) -> None:
    """What these arms were asked beside, with the first seed, as one table in the run's folder; nothing if of none.

    place: of a cell's own table in the run's folder.
    """
    seed = run.seeds[0]
    cells = [cell_of(arm, run.arms[arm].seeds, fold=k, seed=seed) for arm in arms for k in run.tested]
    if cells:
        tables = [read_predictions(place(cell, run.output)) for cell in cells]
        write_predictions(pd.concat(tables, ignore_index=True), run.output / name)


def costs(cells: Sequence[Cell], output: Path) -> list[dict[str, object]]:
    """What every finished cell took: seconds, CPU seconds, parameters; in one cell an arm also `AnswerCost`."""
    places = [cell.folder(output) / "cost.json" for cell in cells if cell.predictions(output).exists()]
    return [json.loads(place.read_text(encoding="utf-8")) for place in places]


def check_table_arms(arms: Mapping[str, ResolvedArm], schema: Schema) -> None:
    """Refuse, before anything is computed, a table arm whose options can be seen to fail.

    Raises:
        ConfigError: names the arm.
    """

    def not_yet(*asked: object) -> pd.DataFrame:
        raise AssertionError("an arm reads nothing before it is fitted")

    for name, arm in arms.items():
        slot = getattr(arm, "table", None)
        if slot is not None:
            try:
                build("table arm", BASELINES, slot, Facts(schema, embed=not_yet, answers=not_yet))  # type: ignore[arg-type]
            except ConfigError as error:
                raise ConfigError(f"arms.{name}: {error}") from None
