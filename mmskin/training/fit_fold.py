"""One experiment on one fold: build, train, calibrate. The main path of mmskin, top to bottom."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mmskin.config.experiment import Experiment, Slot
from mmskin.data.load import Fold
from mmskin.data.patient_digests import joined_digests, patient_digests, population_of
from mmskin.data.seeds import member_seed
from mmskin.data.table import histories
from mmskin.errors import ConfigError
from mmskin.features import is_photo
from mmskin.inputs.batch import collate
from mmskin.inputs.dataset import CaseDataset
from mmskin.model.classifier import MultimodalClassifier, build_model
from mmskin.model.feature_extraction import keep_features
from mmskin.model.reduction import PcaReduction
from mmskin.schema import Schema
from mmskin.trained.calibration import fit_temperature
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.licences import licences_of_training
from mmskin.trained.reference import make_reference, with_reference
from mmskin.trained.safeguards import make_safeguards, with_safeguards
from mmskin.trained.saved_model import patients_seen, save_model
from mmskin.trained.trained_model import TrainedModel
from mmskin.training.accelerator import check_accelerator
from mmskin.training.expert_weights import find_weights
from mmskin.training.fit import fit
from mmskin.training.readings import Reading, fold_cases, is_frozen, make_reader
from mmskin.training.shared_encoders import shared_encoder


def fit_fold(experiment: Experiment, fold: Fold, folder: Path, *, progress: bool = True) -> Trained:
    """Train on one fold, calibrate on its validation rows, save the model if the recipe says so.

    Frozen encoders are run here over all that the training will read of them. A model that is saved remembers what its
    patients were like, see `mmskin.trained.reference`, and has the safeguards of `mmskin.trained.safeguards`.

    Args:
        experiment: what to do.
        fold: which rows do what.
        folder: for log, checkpoint and model; made if it is not there. Members have a folder each inside.
        progress: show bars.

    Returns:
        The model; an ensemble where the recipe has members or snapshots. Members are not calibrated: the temperature
        is that of their mean.

    Raises:
        ConfigError: the recipe names an accelerator that is not there.
        UserError: see `fit`.
    """
    recipe = experiment.training
    check_accelerator(recipe.accelerator)
    folders = [folder / f"member_{number}" if recipe.members > 1 else folder for number in range(recipe.members)]
    models = [
        model
        for member, place in zip(members_of(experiment), folders, strict=True)
        for model in fit_member(member, fold, place, cell_seed=experiment.seed, progress=progress)
    ]
    uncalibrated: Trained = models[0] if len(models) == 1 else Ensemble(tuple(models), record=models[0].record)
    trained = calibrated(uncalibrated, fold.split.val)
    if recipe.save_model:
        trained = with_reference(trained, make_reference(trained, train=fold.split.train, val=fold.split.val))
        trained = with_safeguards(trained, make_safeguards(trained, train=fold.split.train, val=fold.split.val))
        shutil.rmtree(folder / "model", ignore_errors=True)  # of a run that was stopped before its predictions
        save_model(trained, folder / "model")
    return trained


def members_of(experiment: Experiment) -> list[Experiment]:
    """The experiment once for each member, with the member's seed; the first is that of a single model."""
    seeds = [member_seed(experiment.seed, member) for member in range(experiment.training.members)]
    return [experiment.model_copy(update={"seed": seed}) for seed in seeds]


def fit_member(
    experiment: Experiment, fold: Fold, folder: Path, *, cell_seed: int, progress: bool
) -> list[TrainedModel]:
    """Train one model, without calibration; of a recipe with snapshots several.

    Args:
        experiment: with the seed of the member.
        fold: which rows do what.
        folder: for log and checkpoint.
        cell_seed: the seed under which fine-tuned encoders of other arms are found.
        progress: show bars.
    """
    lightning.seed_everything(experiment.seed + 1000 * fold.number, workers=True, verbose=False)
    recipe, reading, made = experiment.training, Reading.of(experiment), experiment.to_json()
    counts = [int((fold.split.train.target == name).sum()) for name in fold.schema.classes]
    slots = fold_slots(experiment.encoders, fold=fold.number, seed=cell_seed)
    model, loss = build_model(
        slots,
        experiment.fusion,
        experiment.loss,
        schema=fold.schema,
        class_counts=counts,
        photo_pooling=experiment.photo_pooling,
        experts=made["experts"],
        reduce=made["reduce"],
        balanced_sampler=recipe.sampler == "class_balanced",
        make_encoder=shared_encoder,
    )
    fit_encoders(model, fold.split.train, fold.schema)
    if recipe.channels_last:
        for encoder in model.encoders.values():
            if not is_frozen(encoder):  # a frozen one is shared, and its features are computed before
                encoder.to(memory_format=torch.channels_last)
    readers = {
        modality: make_reader(modality, reading, fold.schema, encoder, tokens=modality in model.fusion.needs_tokens)
        for modality, encoder in model.encoders.items()
    }
    train, val, test = fold_cases(reading, fold.split, fold.schema, readers)
    for modality, reader in readers.items():
        keep_features(reader, model.encoders[modality], [train, val, test])
    fit_reductions(model, train)
    folder.mkdir(parents=True, exist_ok=True)
    licences = licences_of_training(fold.schema, slots, model.encoders)
    trained = fit(model, loss, train, val, recipe, folder, seed=experiment.seed, progress=progress)
    return [
        TrainedModel(
            one,
            loss,
            fold.schema,
            temperature=1.0,
            photo_side=experiment.data.photo_side,
            record=record_of(experiment, fold, slots, counts) | {"licences": licences},
            cached=readers,
            variations=reading.variations() if any(map(is_photo, readers)) else None,
        )
        for one in trained
    ]


def calibrated(trained: Trained, val: pd.DataFrame) -> Trained:
    """The model with the temperature that suits the validation rows best, after weights that are found on them too."""
    for model in trained.models:
        find_weights(model, val)
    log_probs = trained.log_probabilities(val)
    target = pd.Index(trained.schema.classes).get_indexer(pd.Index(val.target)).astype(np.int64)
    answered = ~np.isnan(log_probs).any(axis=1)
    return replace(trained, temperature=fit_temperature(log_probs[answered], target[answered]))


def fold_slots(encoders: Mapping[str, Slot], *, fold: int, seed: int) -> dict[str, Slot]:
    """Encoder slots with {fold} and {seed} filled in, so that a fold can start from its own fine-tuned encoder.

    Raises:
        ConfigError: something else stands in braces.
    """
    numbers = {"fold": fold, "seed": seed}
    slots: dict[str, Slot] = {}
    for modality, slot in encoders.items():
        try:
            slots[modality] = {key: v.format(**numbers) if isinstance(v, str) else v for key, v in slot.items()}
        except (KeyError, IndexError, ValueError):
            raise ConfigError(f"encoders.{modality}: only {{fold}} and {{seed}} may stand in braces: {slot}") from None
    return slots


def fit_encoders(model: MultimodalClassifier, train: pd.DataFrame, schema: Schema) -> None:
    """What encoders learn from the table, they learn from training rows."""
    of_training = histories(train, schema)
    for encoder in model.encoders.values():
        encoder.fit(of_training)


@torch.no_grad()
def fit_reductions(model: MultimodalClassifier, train: CaseDataset) -> None:
    """Principal components are those of the training rows, each in its plain view."""
    learning = {m: reduction for m, reduction in model.reductions.items() if isinstance(reduction, PcaReduction)}
    if not learning:
        return
    model.eval()
    pooled: dict[str, list[Tensor]] = {modality: [] for modality in learning}
    for batch in DataLoader(train, 64, collate_fn=collate):
        features, present = model.encode(batch)
        for modality, rows in pooled.items():
            rows.append(features[modality].pooled[present[modality]])
    for modality, reduction in learning.items():
        reduction.fit(torch.cat(pooled[modality]))
    model.train()  # the trainer leaves the mode as it finds it


def record_of(experiment: Experiment, fold: Fold, slots: Mapping[str, Slot], counts: list[int]) -> dict[str, Any]:
    """What a model remembers of its making."""
    made = experiment.to_json()
    source = population_of(fold.schema)
    own = {source: patient_digests(fold.split.train.patient_id, source=source)}
    return {
        "encoders": dict(slots),
        "fusion": experiment.fusion,
        **{key: made[key] for key in ("experts", "reduce")},
        "photo_pooling": experiment.photo_pooling,
        "loss": experiment.loss,
        "class_counts": counts,
        "missingness": experiment.data.missingness,
        "fields_excluded": dict(fold.excluded),
        "fold": fold.number,
        "trained_on": joined_digests([own, *(patients_seen(slot) for slot in slots.values())]),
        "experiment": made,
    }
