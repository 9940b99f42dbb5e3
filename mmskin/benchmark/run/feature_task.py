"""The outputs of one frozen encoder on all that a benchmark will read, computed before the cells, in one process.

Cells would compute what is missing by themselves; but then two of them might do so at the same time, and the last
digits of a feature depend on the batch it was computed in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from mmskin.benchmark.arms import data_of, encoders_of, reading_of, reads
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.missing_cells import altered_rows
from mmskin.benchmark.run.cell import one_thread
from mmskin.benchmark.run.folds import Folds
from mmskin.config.experiment import DataConfig, Slot
from mmskin.data.load import Fold
from mmskin.features import Modality
from mmskin.inputs.dataset import CaseDataset
from mmskin.inputs.readers import Reader
from mmskin.model.feature_extraction import keep_features
from mmskin.training.datasets import case_datasets, is_frozen, make_reader
from mmskin.training.run import fold_slots
from mmskin.training.shared_encoders import shared_encoder


class Seen(NamedTuple):
    """A fold as some arms see it, and whether these are controls, who are not asked about missing parts."""

    data: DataConfig
    fold: Fold
    is_control: bool


class FeatureTask(NamedTuple):
    """One encoder, whether an arm needs its tokens, and the folds as the arms that read it see them."""

    benchmark: Benchmark
    modality: Modality
    slot: Slot
    tokens: bool
    folds: tuple[Seen, ...]


def feature_tasks(benchmark: Benchmark, arms: Iterable[str], folds: Folds) -> list[FeatureTask]:
    """One task for every different encoder of photos or notes that these arms read, as first read.

    An encoder that is another one in every fold, by {fold} in its slot, has a task a fold.
    """
    found: dict[str, FeatureTask] = {}
    for name in arms:
        arm, read = benchmark.arms[name], reads(benchmark, name)
        data = data_of(benchmark, arm)
        seen = [Seen(data, fold, arm.shuffle_histories) for (of, _), fold in folds.items() if of == name]
        for modality in read.modalities:
            if modality == "metadata":
                continue
            slot = encoders_of(benchmark, arm)[modality]
            key = json.dumps([modality, slot], sort_keys=True, default=str)
            task = found.get(key, FeatureTask(benchmark, modality, slot, tokens=False, folds=()))
            known = {id(view.fold) for view in task.folds}
            more = tuple(view for view in seen if id(view.fold) not in known)
            found[key] = task._replace(tokens=task.tokens or modality in read.tokens, folds=task.folds + more)
    return [part for task in found.values() for part in _encoder_by_encoder(task)]


def _encoder_by_encoder(task: FeatureTask) -> list[FeatureTask]:
    if not any("{fold}" in value for value in task.slot.values() if isinstance(value, str)):
        return [task]
    numbers = dict.fromkeys(seen.fold.number for seen in task.folds)
    return [task._replace(folds=tuple(seen for seen in task.folds if seen.fold.number == k)) for k in numbers]


def compute_features(task: FeatureTask) -> None:
    """Keep the encoder's outputs on all cases of all folds; nothing where the encoder learns."""
    for data, fold, is_control in task.folds:
        for seed in _seeds_that_differ(task.benchmark, data):
            experiment = reading_of(task.benchmark, task.modality, task.slot, data=data, seed=seed)
            with one_thread():
                encoder = shared_encoder(task.modality, fold_slots(experiment, fold)[task.modality], fold.schema)
                if not is_frozen(encoder):
                    return
                reader = make_reader(task.modality, experiment, fold.schema, encoder, tokens=task.tokens)
                datasets = case_datasets(experiment, fold.split, fold.schema, {task.modality: reader})
                keep_features(reader, encoder, datasets)
                if seed == task.benchmark.seeds[0] and not is_control:
                    # By themselves, so that they change no digit of the features above.
                    keep_features(reader, encoder, altered_cases(task, fold, reader))


def altered_cases(task: FeatureTask, fold: Fold, reader: Reader) -> list[CaseDataset]:
    """The test cases with parts missing: only notes differ, for a photo that is there is the same photo."""
    if task.modality != "text":
        return []
    return [CaseDataset([rows], fold.schema, {task.modality: reader}) for rows in altered_rows(task.benchmark, fold)]


def _seeds_that_differ(benchmark: Benchmark, data: DataConfig) -> list[int]:
    """The seeds under which other photos or notes are read: only varied views and levelled blanks are drawn."""
    drawn = benchmark.training.views > 1 or data.missingness == "equalized"
    return benchmark.seeds if drawn else benchmark.seeds[:1]
