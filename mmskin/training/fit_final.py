"""One model of all cases, after the folds of a run have said what such a model is worth.

It is trained with the recipe and the epochs of the folds. What folds find on validation rows, of which it has none, it
takes from them: the geometric mean of their temperatures (a mean of log T, in which the loss of temperature scaling is
smooth), the mean of the weights that were found for experts, and answers on validation rows of the folds for what it
remembers. Its expected score is that of the folds: it has seen a little more than each of them, and cannot be tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from mmskin.config.experiment import Experiment
from mmskin.data.load import Fold
from mmskin.errors import ConfigError
from mmskin.features import is_photo
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.reference import OutOfFold, remembered, with_reference
from mmskin.trained.safeguards import Validated, safeguards_from, safeguards_of, with_safeguards
from mmskin.trained.trained_model import EXPECTED, TrainedModel
from mmskin.training.expert_weights import experts_of
from mmskin.training.fit_fold import fit_member, members_of
from mmskin.training.readings import is_frozen


def check_final(experiment: Experiment) -> None:
    """Refuse a recipe that needs validation rows.

    Raises:
        ConfigError: it stops early, keeps the best epoch, or begins with an encoder of each fold.
    """
    recipe = experiment.training
    watching = "early_stopping" if recipe.early_stopping else "keep" if recipe.keep != "last" else ""
    by_fold = [modality for modality, slot in experiment.encoders.items() if "{fold}" in str(slot)]
    if by_fold:
        raise ConfigError(
            f"encoders.{by_fold[0]} is another one in each fold ({{fold}}): a final model needs one of all cases"
        )
    if watching:
        raise ConfigError(
            f"training.{watching} watches validation rows, and a final model has none: train for a fixed number of "
            "epochs and keep the last"
        )


def fit_final(
    experiment: Experiment,
    everyone: Fold,
    *,
    folds: Sequence[Trained],
    answers: OutOfFold,
    validated: Mapping[str, Validated],
    expected: Mapping[str, Any],
    progress: bool = True,
) -> Trained:
    """Train on all cases.

    Args:
        experiment: of the folds.
        everyone: all cases as training rows, the other parts empty.
        folds: the models of the folds.
        answers: of the folds on their validation rows.
        validated: the same by the parts that are shown, for the safeguards.
        expected: score of the folds, plain values.
        progress: show bars.

    Raises:
        ConfigError: see `check_final`.
    """
    check_final(experiment)
    blind = experiment.training.model_copy(update={"validate_epochs": False, "checkpoint": False})
    with TemporaryDirectory(prefix="mmskin-") as folder:
        models = [
            model
            for number, member in enumerate(members_of(experiment.model_copy(update={"training": blind})))
            for model in fit_member(
                member, everyone, Path(folder) / str(number), cell_seed=experiment.seed, progress=progress
            )
        ]
        for place, model in enumerate(models):
            take_weights(model, [fold.models[place] for fold in folds])
        record = {key: value for key, value in models[0].record.items() if key != "fold"} | {EXPECTED: dict(expected)}
        temperature = float(np.exp(np.mean([np.log(fold.temperature) for fold in folds])))
        if len(models) == 1:
            trained: Trained = replace(models[0], temperature=temperature, record=record)
        else:
            trained = Ensemble(tuple(models), temperature=temperature, record=record)
        reference = remembered(
            trained,
            everyone=everyone.split.train,
            answers=answers,
            photographed=everyone.split.train if _knows_no_photo(trained) else None,
        )
    safeguards = safeguards_from(validated, trained.schema, by_folds=True)
    if _knows_no_photo(trained) and (of_fold := safeguards_of(folds[0])) is not None:  # the same encoder
        safeguards = safeguards.model_copy(update={"photos": of_fold.photos})
    return with_safeguards(with_reference(trained, reference), safeguards)


@torch.no_grad()
def take_weights(model: TrainedModel, folds: Sequence[TrainedModel]) -> None:
    """What comes from validation rows becomes the mean over the folds, in place.

    That is the weights of experts, and the gate of the correction, whose strength was found with them.
    """
    experts = experts_of(model.model)
    if experts is None or experts.weights_from != "validation":
        return
    of_folds = [experts_of(fold.model) for fold in folds]
    for modality, weight in experts.weights.items():
        weight.copy_(torch.stack([one.weights[modality] for one in of_folds if one is not None]).mean(dim=0))
    if model.model.correction is not None:
        gates = [fold.model.correction.gate.detach() for fold in folds if fold.model.correction is not None]
        model.model.correction.gate.copy_(torch.stack(gates).mean(dim=0))


def _knows_no_photo(trained: Trained) -> bool:
    """Whether no encoder of a photo has learned from the photos: new ones then look as these do."""
    return all(is_frozen(encoder) for kind, encoder in trained.encoders.items() if is_photo(kind))
