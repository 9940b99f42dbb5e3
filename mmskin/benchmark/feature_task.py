"""The outputs of one frozen encoder on all that a benchmark will read, computed before the cells, in one process.

Cells would compute what is missing by themselves; but then two of them might do so at the same time, and the last
digits of a feature depend on the batch it was computed in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from mmskin.benchmark.arms import encoders_of, reading_of, reads
from mmskin.benchmark.cell import one_thread
from mmskin.benchmark.config import Benchmark
from mmskin.benchmark.shared_encoders import shared_encoder
from mmskin.config import Slot
from mmskin.data.load import Fold
from mmskin.modalities import Modality
from mmskin.training.datasets import case_datasets, is_frozen, keep_features, make_reader
from mmskin.training.run import fold_slots


class FeatureTask(NamedTuple):
    """One encoder, the folds that read it, and whether an arm needs its tokens."""

    benchmark: Benchmark
    modality: Modality
    slot: Slot
    tokens: bool
    folds: tuple[Fold, ...]


def feature_tasks(benchmark: Benchmark, arms: Iterable[str], folds: Iterable[Fold]) -> list[FeatureTask]:
    """One task for every different encoder of photos or notes that these arms read, as first read.

    An encoder that is another one in every fold, by {fold} in its slot, has a task a fold.
    """
    found: dict[str, FeatureTask] = {}
    every = tuple(folds)
    for name in arms:
        read = reads(benchmark, name)
        for modality in read.modalities:
            if modality == "metadata":
                continue
            slot = encoders_of(benchmark, benchmark.arms[name])[modality]
            key = json.dumps([modality, slot], sort_keys=True, default=str)
            tokens = modality in read.tokens or (key in found and found[key].tokens)
            found[key] = FeatureTask(benchmark, modality, slot, tokens, every)
    return [task._replace(folds=part) for task in found.values() for part in _reading_the_same(task)]


def _reading_the_same(task: FeatureTask) -> list[tuple[Fold, ...]]:
    """The folds of a task in parts that read one encoder."""
    differ = any("{fold}" in value for value in task.slot.values() if isinstance(value, str))
    return [(fold,) for fold in task.folds] if differ else [task.folds]


def compute_features(task: FeatureTask) -> None:
    """Keep the encoder's outputs on all cases of all folds; nothing where the encoder learns."""
    for fold in task.folds:
        for seed in _seeds_that_differ(task.benchmark):
            experiment = reading_of(task.benchmark, task.modality, task.slot, seed=seed)
            with one_thread():
                encoder = shared_encoder(task.modality, fold_slots(experiment, fold)[task.modality], fold.schema)
                if not is_frozen(encoder):
                    return
                reader = make_reader(task.modality, experiment, fold.schema, encoder, tokens=task.tokens)
                datasets = case_datasets(experiment, fold.split, fold.schema, {task.modality: reader})
                keep_features(reader, encoder, datasets)


def _seeds_that_differ(benchmark: Benchmark) -> list[int]:
    """The seeds under which other photos or notes are read: only varied views and levelled blanks are drawn."""
    drawn = benchmark.training.views > 1 or benchmark.data.missingness == "equalized"
    return benchmark.seeds if drawn else benchmark.seeds[:1]
