"""Do the explanations of the primary arm hold? Measured in one cell, after its predictions."""

from __future__ import annotations

import json
import time
from pathlib import Path

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.run.grid import Cell, replace
from mmskin.data.load import Fold
from mmskin.explain.explanation_check import check_explanations
from mmskin.trained.trained_model import TrainedModel


def write_explanations(benchmark: Benchmark, cell: Cell, fold: Fold, output: Path, trained: TrainedModel) -> None:
    """explanations.json of a cell, whole or not at all; nothing for other arms, or where it is switched off.

    Args:
        benchmark: says of how many test cases.
        cell: which arm, fold and seed.
        fold: its rows.
        output: folder of the benchmark.
        trained: the model. Its weights are those of before afterwards, bit for bit.
    """
    if benchmark.explanations is None or cell.arm != benchmark.primary.arm:
        return
    cpu = time.process_time()
    found = check_explanations(trained, fold.split.test, cases=benchmark.explanations, seed=cell.seed)
    content = {**cell._asdict(), "cpu_seconds": time.process_time() - cpu, **found.to_json()}
    replace(cell.explanations(output), json.dumps(content) + "\n")
