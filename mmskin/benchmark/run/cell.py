"""One cell: fit one arm on one fold with one seed, and leave predictions and costs behind."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from mmskin.benchmark.arms import ResolvedArm
from mmskin.benchmark.baselines.table_arm_contract import CORRUPTED
from mmskin.benchmark.missing_cells import answered_in, missing_answers
from mmskin.benchmark.parts_cells import parts_answers
from mmskin.benchmark.robustness_cells import answered_of, corrupted_answers, may_read_photos
from mmskin.benchmark.run.answer_cost import answer_cost
from mmskin.benchmark.run.fold_predictions import fold_predictions
from mmskin.benchmark.run.folder import begin_cell, write_json
from mmskin.benchmark.run.grid import Cell
from mmskin.data.load import Fold
from mmskin.evaluation.predictions import read_predictions, write_predictions
from mmskin.explain.explanation_check import check_explanations, evidence_of, mapped_kind
from mmskin.explain.photo_map import DEFAULT
from mmskin.inputs.corruptions import Corruption
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.licences import licences_of
from mmskin.trained.saved_model import keep_map_evidence
from mmskin.training.memory import keep_freed_memory


class CellTask(NamedTuple):
    """All that a process needs to run one cell.

    arm: what is fitted, and its cell.
    fold: as the arm sees it.
    output: folder of the run.
    sources: by name, the cells of the arms that it reads: one each, or one a seed.
    depends_on: what the arm's answers depend on beside data and versions.
    missing_rates: at which fields of test cases are hidden once more; () for not at all.
    is_judged: whether its answers with each set of parts are written, from which safeguards follow.
    corruptions: faults that photos of test cases are given once more; () for none.
    explained: test cases on which explanations are measured; 0 for none.
    is_costed: whether the cost of an answer is measured, once an arm, for it is the same in every cell.
    progress: show bars.
    """

    arm: ResolvedArm
    cell: Cell
    fold: Fold
    output: Path
    sources: Mapping[str, tuple[Cell, ...]]
    depends_on: Mapping[str, Any]
    missing_rates: tuple[float, ...] = ()
    is_judged: bool = False
    corruptions: tuple[Corruption, ...] = ()
    explained: int = 0
    is_costed: bool = False
    progress: bool = False

    def answers(self, arm: str, rows: pd.DataFrame) -> pd.DataFrame:
        """The predictions of another arm on the same fold, with the same parts missing or the same fault of photos: of
        its seed, or of all."""
        cells = self.sources[arm]
        if CORRUPTED in rows:
            (cell,) = cells
            return answered_of(read_predictions(cell.robustness(self.output)), rows)
        if "scenario" not in rows:
            return pd.concat([read_predictions(cell.predictions(self.output)) for cell in cells], ignore_index=True)
        (cell,) = cells
        return answered_in(read_predictions(cell.missing(self.output)), rows)


def run_cell(task: CellTask) -> None:
    """Fit, predict validation and test rows, write what is asked beside, and predictions.parquet last."""
    arm, cell, fold = task.arm, task.cell, task.fold
    folder = cell.folder(task.output)
    begin_cell(folder, task.depends_on)
    threads = arm.reading(cell.seed).recipe.threads
    with held_threads(threads):
        start, cpu = time.perf_counter(), time.process_time()
        fitted = arm.fit(fold, seed=cell.seed, folder=folder, answers=task.answers, progress=task.progress)
        fit_seconds, fit_cpu = time.perf_counter() - start, time.process_time() - cpu
        table = fold_predictions(fitted.predict, fold, cell)
        cost = cell._asdict() | {
            "fit_seconds": fit_seconds,
            "fit_cpu_seconds": fit_cpu,
            "cell_seconds": time.perf_counter() - start,
            "cell_cpu_seconds": time.process_time() - cpu,
        }
        cost |= model_cost(task, fitted.model)
        if task.missing_rates:
            missing = missing_answers(fitted.predict, fold, cell, table, task.missing_rates)
            write_predictions(missing, cell.missing(task.output))
        if task.is_judged and fitted.model is not None:
            write_predictions(parts_answers(fitted.model, fold, cell), cell.parts(task.output))
        if task.corruptions:
            reads_photos = may_read_photos(arm)
            corrupted = corrupted_answers(fitted, fold, cell, table, task.corruptions, reads_photos=reads_photos)
            write_predictions(corrupted, cell.robustness(task.output))
        if task.explained and fitted.model is not None:
            write_explanations(task, fitted.model)
    if fitted.model is not None:
        write_json(cell.licences(task.output), licences_of(fitted.model))
    write_json(folder / "cost.json", cost)
    write_predictions(table, cell.predictions(task.output))


def model_cost(task: CellTask, trained: Trained | None) -> dict[str, Any]:
    """Parameters that learned, None for a table arm; once an arm, what one answer costs too."""
    if trained is None:
        return {"parameters": None}
    every = (parameter for model in trained.models for parameter in model.model.parameters())
    learned = [parameter.numel() for parameter in every if parameter.requires_grad]
    if not task.is_costed:
        return {"parameters": sum(learned)}
    return {"parameters": sum(learned), **answer_cost(trained, task.fold.split.test)._asdict()}


def write_explanations(task: CellTask, trained: Trained) -> None:
    """explanations.json of a cell: what its explanations are worth, kept with its model too if that was saved.

    The weights are those of before afterwards.
    """
    cpu = time.process_time()
    checked = check_explanations(trained, task.fold.split.test, cases=task.explained, seed=task.cell.seed)
    cost = {"cpu_seconds": time.process_time() - cpu}
    kind, evidence, saved = mapped_kind(trained), evidence_of(checked), task.cell.folder(task.output) / "model"
    if kind and evidence and saved.exists() and not isinstance(trained, Ensemble):
        keep_map_evidence(saved, {kind: {DEFAULT: evidence}})
    write_json(task.cell.explanations(task.output), {**task.cell._asdict(), **cost, **checked.to_json()})


@contextmanager
def held_threads(threads: int | None) -> Iterator[Any]:
    """Torch, BLAS and OpenMP on so many threads, so that sums are added in one order wherever a cell runs.

    threads: None for all cores.
    """
    keep_freed_memory()
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)
