"""A benchmark of seconds on the fake PAD-UFES-20, to be changed where a test needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from small_experiment import ENCODERS

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.resolve import resolve
from mmskin.benchmark.run.preparation import Executor
from mmskin.benchmark.run.run import Failure, Run, planned, run_benchmark
from mmskin.benchmark.run.this_process import ThisProcess
from mmskin.config.validation import validated
from mmskin.data.load import folds_of, load_cases

FROZEN = ENCODERS["image"] | {"trainable": "none"}
ARMS: dict[str, Any] = {
    "late": {"fusion": {"name": "late"}},
    "image_only": {"fusion": {"name": "image_only"}},
    "stacking": {"table": {"name": "stacking", "over": ["late", "image_only"]}},
    "regression": {"table": {"name": "logistic_regression", "on": ["fields", "image"], "c": [0.01, 0.1]}},
}


def raw_benchmark(root: Path, features: Path, **changed: Any) -> dict[str, Any]:
    """Two epochs, folds 0 and 1 of 3, two seeds, two rates of missing fields, as plain values."""
    data = {"source": {"name": "pad_ufes_20"}, "root": str(root), "folds": 3, "test_folds": [0, 1], "photo_side": 32}
    data |= {"missingness": "visible"}  # many fields, some empty
    return {
        "name": "small",
        "data": data | changed.pop("data", {}),
        "seeds": [0, 1],
        "primary": {"arm": "late", "metric": "balanced_accuracy", "reference": "image_only"},
        "encoders": {"image": FROZEN, "text": ENCODERS["text"]},
        "training": {"epochs": 2, "batch_size": 4, "channels_last": False} | changed.pop("training", {}),
        "arms": ARMS,
        "audit": False,
        "missing_parts": {"rates": [0.2, 0.5]},
        "explanations": None,
        "features": str(features),
    } | changed


def small_benchmark(root: Path, features: Path, **changed: Any) -> Benchmark:
    return validated(Benchmark, raw_benchmark(root, features, **changed), where="small")


def planned_run(benchmark: Benchmark, output: Path) -> Run:
    """What `run_benchmark` would run."""
    labelled = load_cases(benchmark.data)
    return planned(benchmark, resolve(benchmark, output), labelled, folds_of(benchmark.data, labelled), output)


def run(benchmark: Benchmark, output: Path, *, executor: Executor | None = None) -> tuple[pd.DataFrame, list[Failure]]:
    """Run it without a word, in this process unless an executor is given."""
    where = executor or ThisProcess()
    return run_benchmark(benchmark, output, executor=where, say=lambda line: None, quiet=True)
