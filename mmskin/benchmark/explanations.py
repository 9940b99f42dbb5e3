"""Do the explanations of the primary arm hold? Measured in one cell, after its predictions."""

from __future__ import annotations

import json
import time
from pathlib import Path

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.run.grid import Cell, replace
from mmskin.data.load import Fold
from mmskin.explain.explanation_check import check_explanations
from mmskin.trained.predictor import Predictor
from mmskin.trained.saved_model import TrainedModel
from mmskin.training.run import FittedFold


def write_explanations(benchmark: Benchmark, cell: Cell, fold: Fold, output: Path, fitted: FittedFold) -> None:
    """explanations.json of a cell, whole or not at all; nothing for other arms, or where it is switched off.

    Args:
        benchmark: says of how many test cases.
        cell: which arm, fold and seed.
        fold: its rows.
        output: folder of the benchmark.
        fitted: the model. Its weights are those of before afterwards, bit for bit.
    """
    if benchmark.explanations is None or cell.arm != benchmark.primary.arm:
        return
    config = {"temperature": fitted.temperature, "photo_side": benchmark.data.photo_side}
    predictor = Predictor(TrainedModel(fitted.model, fitted.loss, fitted.schema, config))
    cpu = time.process_time()
    found = check_explanations(predictor, fold.split.test, cases=benchmark.explanations, seed=cell.seed)
    content = {**cell._asdict(), "cpu_seconds": time.process_time() - cpu, **found.to_json()}
    replace(cell.explanations(output), json.dumps(content) + "\n")
