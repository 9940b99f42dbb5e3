"""Do the explanations of the primary arm hold? Measured in one cell, after its predictions, and told in the report."""

from __future__ import annotations

import json
import time
from pathlib import Path

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.run.grid import Cell, replace
from mmskin.data.load import Fold
from mmskin.explain.check import Check
from mmskin.explain.explanation_check import check_explanations
from mmskin.report.check_page import check_section
from mmskin.report.pages import Section
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


def explanations_section(benchmark: Benchmark, output: Path) -> list[Section]:
    """One section, or none where nothing was measured: switched off, or a primary arm that is no network."""
    found = sorted(output.glob(f"cells/{benchmark.primary.arm}/*/*/explanations.json"))
    if benchmark.explanations is None or not found:
        return []
    content = json.loads(found[0].read_text())
    section = check_section(Check.from_json(content))
    of = f"{content['arm']}, fold {content['fold']}, seed {content['seed']}: {section.lines[0]}"
    return [section._replace(lines=[of, *section.lines[1:]], saved={"explanations": content})]
