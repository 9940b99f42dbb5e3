"""What a benchmark costs beside the work in it: the whole grid against one feature extraction and its trainings alone.

    python scripts/benchmark_overhead.py configs/pad_ufes_20/benchmark.yaml --output runs/overhead --jobs 2

Runs the whole grid with features computed from nothing in OUTPUT/features, in processes as `mmskin benchmark` does, and
takes its wall time times the number of processes. Beside it stands the work alone, in this process on one thread, and
with everything loaded: the extraction, once, and each arm's training (the loop over epochs; for a table arm its fit) on
the first fold with the first seed, times its number of cells. A ratio of 1 would be a grid that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from unittest.mock import patch

from mmskin.benchmark.benchmark_config import Benchmark, read_benchmark
from mmskin.benchmark.resolve import resolve
from mmskin.benchmark.run.cell import CellTask, held_threads
from mmskin.benchmark.run.executors import cores
from mmskin.benchmark.run.feature_task import compute_features, feature_tasks
from mmskin.benchmark.run.local import LocalExecutor
from mmskin.benchmark.run.run import planned, run_benchmark
from mmskin.data.load import folds_of, load_cases
from mmskin.report.numbers import number, rough
from mmskin.training import fit_fold as training
from mmskin.training.fit import fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--output", type=Path, default=Path("runs/overhead"))
    parser.add_argument("--jobs", type=int, default=cores())
    options = parser.parse_intermixed_args()
    if options.output.exists():
        parser.error(f"{options.output} is there already, and what it holds would not be computed again")
    grid_features = f"features={options.output / 'grid-features'}"
    benchmark = read_benchmark(options.config, [*options.overrides, grid_features])
    start = time.perf_counter()
    with LocalExecutor(options.jobs) as executor:
        run_benchmark(benchmark, options.output / "grid", executor=executor, say=lambda line: None, quiet=True)
    grid = time.perf_counter() - start
    alone = benchmark.model_copy(update={"features": str(options.output / "features")})
    extraction, training_seconds = work_alone(alone, options.output)
    work = extraction + sum(training_seconds.values())
    measured = {
        "grid_seconds": grid,
        "jobs": options.jobs,
        "extraction_seconds": extraction,
        "training_seconds": training_seconds,
        "ratio": grid * options.jobs / work,
    }
    (options.output / "overhead.json").write_text(json.dumps(measured, indent=1) + "\n")
    print(f"grid {rough(grid)} s x {options.jobs} processes; alone: extraction {rough(extraction)} s, ", end="")
    print(f"trainings {rough(sum(training_seconds.values()))} s; ratio {number(measured['ratio'], digits=2)}")


def work_alone(benchmark: Benchmark, output: Path) -> tuple[float, dict[str, float]]:
    """Seconds of the extraction, and by arm of all its trainings."""
    cases = load_cases(benchmark.data)
    run = planned(benchmark, resolve(benchmark, output), cases, folds_of(benchmark.data, cases), output / "grid")
    start = time.perf_counter()
    for features in feature_tasks(run.arms.values(), run.folds, run.missing_rates):
        compute_features(features)
    extraction = time.perf_counter() - start
    seconds: dict[str, float] = {}
    for name, arm in run.arms.items():
        cells = run.cells(arm)
        task = run.task(arm, cells[0], progress=False)
        seconds[name] = len(cells) * training_alone(task, output / "alone" / name)
    return extraction, seconds


def training_alone(task: CellTask, folder: Path) -> float:
    """Seconds of the loop over epochs of one cell; of a table arm, of its fit."""
    spent: list[float] = []

    def timed(*arguments: object, **named: object) -> None:
        start = time.perf_counter()
        fit(*arguments, **named)  # type: ignore[arg-type]
        spent.append(time.perf_counter() - start)

    start = time.perf_counter()
    with held_threads(1), patch.object(training, "fit", timed):
        task.arm.fit(task.fold, seed=task.cell.seed, folder=folder, answers=task.answers, progress=False)
    return spent[0] if spent else time.perf_counter() - start


if __name__ == "__main__":
    main()
