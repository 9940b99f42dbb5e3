"""One cell: fit one arm on one fold with one seed, and leave predictions and costs behind."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from mmskin.benchmark.arms import data_of, encoders_of, experiment_of, reading_of
from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.baselines.embeddings import Embed
from mmskin.benchmark.baselines.table_arm_contract import Facts
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.explanations import write_explanations
from mmskin.benchmark.missing_cells import answered_in, write_missing
from mmskin.benchmark.run.answer_cost import answer_cost
from mmskin.benchmark.run.grid import Cell, cell_of, replace
from mmskin.config.build import build
from mmskin.config.experiment import Experiment
from mmskin.data.load import Fold
from mmskin.data.missingness import equalize
from mmskin.evaluation.predictions import read_predictions, write_predictions
from mmskin.trained.trained_model import Predict, TrainedModel
from mmskin.training.memory import keep_freed_memory
from mmskin.training.run import fit_fold, fold_predictions
from mmskin.training.shared_encoders import shared_encoder


class CellTask(NamedTuple):
    """All that a process needs to run one cell."""

    benchmark: Benchmark
    cell: Cell
    fold: Fold
    output: Path
    is_measured: bool = False
    """Whether the cost of an answer is measured, once an arm, for it is the same in every cell; of the primary arm its
    explanations too."""


class Fitted(NamedTuple):
    """What fitting an arm gives, whatever its kind: its answers; and the model behind them, of a neural arm."""

    predict: Predict
    model: TrainedModel | None = None


def run_cell(task: CellTask) -> None:
    """Fit, predict validation and test rows, write cost.json, and predictions.parquet last."""
    folder = task.cell.folder(task.output)
    folder.mkdir(parents=True, exist_ok=True)
    with one_thread():
        start, cpu = time.perf_counter(), time.process_time()
        fitted = fit_arm(task, folder)
        fit_seconds, fit_cpu = time.perf_counter() - start, time.process_time() - cpu
        table = fold_predictions(fitted.predict, task.fold, arm=task.cell.arm, seed=task.cell.seed)
        cost = task.cell._asdict() | {
            "fit_seconds": fit_seconds,
            "fit_cpu_seconds": fit_cpu,
            "cell_seconds": time.perf_counter() - start,
            "cell_cpu_seconds": time.process_time() - cpu,
        }
        cost |= model_cost(task, fitted.model)
        write_missing(task.benchmark, task.cell, task.fold, task.output, fitted.predict, table)
        if task.is_measured and fitted.model is not None:
            write_explanations(task.benchmark, task.cell, task.fold, task.output, fitted.model)
    replace(folder / "cost.json", json.dumps(cost) + "\n")
    write_predictions(table, task.cell.predictions(task.output))


def model_cost(task: CellTask, fitted: TrainedModel | None) -> dict[str, Any]:
    """Parameters that learned, None for a table arm; once an arm, what one answer costs too."""
    if fitted is None:
        return {"parameters": None}
    learned = [parameter.numel() for parameter in fitted.model.parameters() if parameter.requires_grad]
    if not task.is_measured:
        return {"parameters": sum(learned)}
    return {"parameters": sum(learned), **answer_cost(fitted, task.fold.split.test)._asdict()}


def fit_arm(task: CellTask, folder: Path) -> Fitted:
    """Fit the arm of a cell to its training and validation rows."""
    if task.benchmark.arms[task.cell.arm].table is not None:
        return Fitted(fit_table_arm(task))
    experiment = experiment_of(task.benchmark, task.cell.arm, seed=task.cell.seed)
    fitted = fit_fold(experiment, task.fold, folder, progress=False, make_encoder=shared_encoder)
    return Fitted(fitted.probabilities, fitted)


def fit_table_arm(task: CellTask) -> Predict:
    """A table arm sees the rows that neural arms see: under `equalized` those with levelled blanks."""
    benchmark, fold = task.benchmark, task.fold
    arm = benchmark.arms[task.cell.arm]
    assert arm.table is not None
    data = data_of(benchmark, arm)
    slots = encoders_of(benchmark, arm)
    readings: dict[str, Experiment] = {
        m: reading_of(benchmark, m, slot, data=data, seed=task.cell.seed) for m, slot in slots.items()
    }
    facts = Facts(fold.schema, embed=Embed(readings, fold), answers=Answers(task))
    train: pd.DataFrame = fold.split.train
    if data.missingness == "equalized":
        train = equalize(train, fold.schema, seed=task.cell.seed)
    return build("table arm", BASELINES, arm.table, facts)(train, fold.split.val)


class Answers:
    """The predictions of another arm on the same fold with the same seed, with the same parts missing."""

    def __init__(self, task: CellTask) -> None:
        self.task = task

    def __call__(self, arm: str, rows: pd.DataFrame) -> pd.DataFrame:
        cell = cell_of(self.task.benchmark, arm, self.task.cell.fold, self.task.cell.seed)
        if "scenario" not in rows:
            return read_predictions(cell.predictions(self.task.output))
        return answered_in(read_predictions(cell.missing(self.task.output)), rows)


@contextmanager
def one_thread() -> Iterator[Any]:
    """Torch, BLAS and OpenMP on one thread each, so that sums are added in one order wherever a cell runs."""
    keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
