"""The folds as each arm sees them: its mode of missingness decides the fields; a control has its histories shuffled."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from mmskin.benchmark.arms import data_of
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.config.experiment import DataConfig
from mmskin.data.load import Fold, prepare_fold
from mmskin.data.shuffle import shuffle_histories
from mmskin.data.splits import Split
from mmskin.data.table import Cases

Folds = dict[tuple[str, int], Fold]
"""By arm and number. Arms that see the same are given the same object."""


def folds_of_arms(benchmark: Benchmark, cases: Cases, numbers: pd.Series[int], tested: Iterable[int]) -> Folds:
    """Every fold that is tested, for every arm.

    Args:
        benchmark: its arms.
        cases: labelled.
        numbers: fold by case id.
        tested: the folds to be tested.
    """
    seen: dict[tuple[str, bool, int], Fold] = {}
    found: Folds = {}
    for k in tested:
        for name, arm in benchmark.arms.items():
            data = data_of(benchmark, arm)
            key = (data.missingness, arm.shuffle_histories, k)
            if key not in seen:
                seen[key] = _fold(data, cases, numbers, k, shuffled=arm.shuffle_histories, seed=benchmark.seeds[0])
            found[name, k] = seen[key]
    return found


def _fold(data: DataConfig, cases: Cases, numbers: pd.Series[int], k: int, *, shuffled: bool, seed: int) -> Fold:
    fold = prepare_fold(data, cases, numbers, k)
    if not shuffled:
        return fold
    parts = [shuffle_histories(part, fold.schema, seed=seed + place) for place, part in enumerate(fold.split)]
    return fold._replace(split=Split(*parts))
