"""The outputs of one frozen encoder on all that a wave of arms will read, computed before its cells, in one process.

Cells would compute what is missing by themselves; but then two of them might do so at the same time, and the last
digits of a feature depend on the batch it was computed in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mmskin.benchmark.arms import ResolvedArm
from mmskin.benchmark.missing_cells import altered_rows
from mmskin.benchmark.run.cell import held_threads
from mmskin.benchmark.run.folds import Folds
from mmskin.config.experiment import Slot
from mmskin.data.load import Fold
from mmskin.data.missingness import hides_at_random
from mmskin.inputs.dataset import CaseDataset
from mmskin.inputs.readers import Reader
from mmskin.model.feature_extraction import keep_features
from mmskin.training.fit_fold import fold_slots
from mmskin.training.readings import Reading, fold_cases, is_frozen, make_reader
from mmskin.training.shared_encoders import shared_encoder


class ReadFold(NamedTuple):
    """A fold as some arms read it.

    readings: one a seed under which other photos or notes are read.
    missing_rates: at which fields of its test cases are hidden once more; () for not at all.
    """

    fold: Fold
    readings: tuple[Reading, ...]
    missing_rates: tuple[float, ...] = ()


class FeatureTask(NamedTuple):
    """One encoder, whether an arm needs its tokens, and the folds as the arms that read it see them."""

    modality: str
    slot: Slot
    tokens: bool
    folds: tuple[ReadFold, ...]


def feature_tasks(
    arms: Iterable[ResolvedArm], folds: Folds, missing_rates: Mapping[str, tuple[float, ...]]
) -> list[FeatureTask]:
    """One task for every different encoder of photos or notes that these arms read, as first read.

    An encoder that is another one in every fold or seed, by {fold} or {seed} in its slot, has a task for each.
    """
    tasks: dict[str, FeatureTask] = {}
    for arm in arms:
        for modality, slot in arm.encoders.items():
            if modality == "metadata":
                continue
            for number in [k for name, k in folds if name == arm.name]:
                fold = folds[arm.name, number]
                for filled, readings in _by_slot(arm, slot, fold).values():
                    read = ReadFold(fold, readings, missing_rates[arm.name])
                    key = json.dumps([modality, filled], sort_keys=True, default=str)
                    task = tasks.get(key, FeatureTask(modality, filled, tokens=False, folds=()))
                    tokens = task.tokens or modality in arm.tokens
                    tasks[key] = task._replace(tokens=tokens, folds=_joined(task.folds, read))
    return list(tasks.values())


def _by_slot(arm: ResolvedArm, slot: Slot, fold: Fold) -> dict[str, tuple[Slot, tuple[Reading, ...]]]:
    """The arm's encoder with fold and seed filled in, and the readings of the seeds that read it so."""
    found: dict[str, tuple[Slot, tuple[Reading, ...]]] = {}
    reading = arm.reading(arm.seeds[0])
    has_views = max(reading.recipe.views, reading.recipe.test_views) > 1
    varies = has_views or hides_at_random(fold.split.train, fold.schema, mode=reading.missingness)
    for seed in arm.seeds:
        filled = fold_slots({"encoder": slot}, fold=fold.number, seed=seed)["encoder"]
        key = json.dumps(filled, sort_keys=True, default=str)
        before = found.get(key, (filled, ()))[1]
        readings = arm.readings(seed)
        # Of seeds that draw nothing the first stands for all: they read the same photos and notes.
        found[key] = (filled, (*before, *readings) if varies else before or tuple(readings[:1]))
    return found


def _joined(reads: tuple[ReadFold, ...], more: ReadFold) -> tuple[ReadFold, ...]:
    """With one more, unless an arm reads the same fold in the same way already."""
    for place, read in enumerate(reads):
        if read.fold is more.fold and _same(read.readings, more.readings):
            merged = read._replace(missing_rates=read.missing_rates or more.missing_rates)
            return (*reads[:place], merged, *reads[place + 1 :])
    return (*reads, more)


def at_test(reading: Reading, readers: Mapping[str, Reader]) -> list[dict[str, Reader]]:
    """Readers of the test-time views after the plain one."""
    variations = reading.variations()
    return [] if variations is None else list(variations.readers(readers))[1:]


def _same(one: tuple[Reading, ...], other: tuple[Reading, ...]) -> bool:
    """Whether views, wording and hiding are the same: nothing else of a recipe decides what an encoder is given."""

    def decisive(reading: Reading) -> tuple[object, ...]:
        recipe = reading.recipe
        views = min(recipe.views, recipe.epochs)
        return views, recipe.augment, recipe.vary_notes, recipe.field_dropout, recipe.test_views, *reading[1:]

    return [decisive(reading) for reading in one] == [decisive(reading) for reading in other]


def compute_features(task: FeatureTask) -> None:
    """Keep the encoder's outputs on all cases of all folds; nothing where the encoder learns."""
    for fold, readings, missing_rates in task.folds:
        for place, reading in enumerate(readings):
            with held_threads(1):
                encoder = shared_encoder(task.modality, task.slot, fold.schema)
                if not is_frozen(encoder):
                    return
                reader = make_reader(task.modality, reading, fold.schema, encoder, tokens=task.tokens)
                keep_features(reader, encoder, fold_cases(reading, fold.split, fold.schema, {task.modality: reader}))
                for view in at_test(reading, {task.modality: reader}):
                    (varied,) = view.values()
                    keep_features(varied, encoder, fold_cases(reading, fold.split, fold.schema, view)[1:])
                if place == 0 and missing_rates and task.modality == "text":
                    # By themselves, so that they change no digit of the features above. A photo that is there is the
                    # same photo: only notes differ.
                    altered = altered_rows(fold, missing_rates, seed=reading.seed)
                    keep_features(
                        reader, encoder, [CaseDataset([rows], fold.schema, {task.modality: reader}) for rows in altered]
                    )
