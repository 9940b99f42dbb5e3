"""Seed and snapshot ensembles: each member against a training of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_experiment import small_experiment

from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import Experiment
from mmskin.data.load import folds_of, load_cases, prepare_fold
from mmskin.data.seeds import member_seed
from mmskin.errors import ConfigError
from mmskin.model.classifier import MultimodalClassifier
from mmskin.trained.calibration import fit_temperature
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.run_models import load_trained
from mmskin.trained.trained_model import TrainedModel
from mmskin.training.checkpoint import KeepLast
from mmskin.training.fit_fold import fit_fold

FIELDS = ("metadata",)


def experiment(root: Path, **training: Any) -> Experiment:
    return small_experiment(root, *FIELDS, fusion="metadata_only", threads=1, **training)


def fitted(made: Experiment, folder: Path) -> tuple[Trained, pd.DataFrame, pd.DataFrame]:
    cases = load_cases(made.data)
    fold = prepare_fold(made.data, cases, folds_of(made.data, cases), 0)
    return fit_fold(made, fold, folder, progress=False), fold.split.val, fold.split.test


def same(one: TrainedModel, other: TrainedModel) -> bool:
    here, there = one.model.state_dict(), other.model.state_dict()
    return list(here) == list(there) and all(torch.equal(here[name], there[name]) for name in here)


def test_the_first_member_is_the_single_model_and_every_other_one_that_of_its_own_seed(
    pad_folder: Path, tmp_path: Path
) -> None:
    three, _, _ = fitted(experiment(pad_folder, members=3), tmp_path / "three")
    (alone,) = fitted(experiment(pad_folder), tmp_path / "alone")[0].models
    assert same(three.models[0], alone)
    assert not same(three.models[1], three.models[2])
    own = experiment(pad_folder).model_copy(update={"seed": member_seed(0, 2)})
    assert same(three.models[2], fitted(own, tmp_path / "own")[0].models[0])
    assert [model.record["experiment"]["seed"] for model in three.models] == [0, member_seed(0, 1), member_seed(0, 2)]


def test_seeds_of_members_are_apart_from_each_other_and_from_plain_seeds() -> None:
    assert [member_seed(seed, 0) for seed in (0, 7)] == [0, 7]
    seeds = {member_seed(seed, member) for seed in range(20) for member in range(1, 20)}
    assert len(seeds) == 20 * 19
    assert min(seeds) > 1000
    assert max(seeds) + 1000 * 100 < 2**32


def test_the_temperature_is_fitted_to_the_mean_of_members_that_have_none(pad_folder: Path, tmp_path: Path) -> None:
    both, val, test = fitted(experiment(pad_folder, members=2), tmp_path / "both")
    assert isinstance(both, Ensemble)
    assert [model.temperature for model in both.models] == [1.0, 1.0]
    mean = np.mean([model.probabilities(val) for model in both.models], axis=0)
    target = np.array([both.schema.classes.index(name) for name in val.target])
    assert both.temperature == pytest.approx(fit_temperature(np.log(mean), target))
    scaled = np.mean([model.probabilities(test) for model in both.models], axis=0) ** (1 / both.temperature)
    assert both.probabilities(test) == pytest.approx(scaled / scaled.sum(axis=1, keepdims=True))


def test_a_run_saves_its_members_as_one_model_that_answers_as_the_run_did(pad_folder: Path, tmp_path: Path) -> None:
    made = experiment(pad_folder, members=2)
    table = run_experiment(made, tmp_path / "run", say=lambda line: None, progress=False)
    asked = table[table["split"] == "test"].reset_index(drop=True)
    rows = load_cases(made.data).table.set_index("case_id", drop=False).loc[list(asked.case_id)]
    trained = load_trained(tmp_path / "run")
    assert len(trained.models) == 2
    assert np.array_equal(trained.probabilities(rows), asked.filter(like="prob_").to_numpy())


def test_a_snapshot_is_the_model_of_a_training_that_ends_there(pad_folder: Path, tmp_path: Path) -> None:
    two, _, _ = fitted(experiment(pad_folder, epochs=4, snapshots=2), tmp_path / "two")
    (short,) = fitted(experiment(pad_folder, epochs=2), tmp_path / "short")[0].models
    assert len(two.models) == 2
    assert same(two.models[0], short)
    assert not same(two.models[1], short)


def test_a_snapshot_training_that_was_stopped_in_its_second_cycle_keeps_the_first(
    pad_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = experiment(pad_folder, epochs=4, snapshots=2)
    whole, _, _ = fitted(made, tmp_path / "whole")
    keep = KeepLast.on_train_epoch_end

    def stopped(self: KeepLast, trainer: Any, module: Any) -> None:
        keep(self, trainer, module)
        if trainer.current_epoch == 2:
            raise RuntimeError("the plug was pulled")

    monkeypatch.setattr(KeepLast, "on_train_epoch_end", stopped)
    with pytest.raises(RuntimeError):
        fitted(made, tmp_path / "halves")
    monkeypatch.undo()
    halves, _, _ = fitted(made, tmp_path / "halves")
    assert len(halves.models) == 2
    assert all(same(one, other) for one, other in zip(whole.models, halves.models, strict=True))


def test_snapshots_share_the_frozen_encoder_and_nothing_else(pad_folder: Path, tmp_path: Path) -> None:
    made = small_experiment(pad_folder, "image", fusion="image_only", epochs=2, snapshots=2, threads=1).to_json()
    made["encoders"]["image"]["trainable"] = "none"
    two, _, _ = fitted(Experiment.model_validate(made), tmp_path / "two")
    one, other = (model.model for model in two.models)
    assert isinstance(one, MultimodalClassifier)
    assert one.encoders["image"] is other.encoders["image"]
    encoder = {id(parameter) for parameter in one.encoders["image"].parameters()}
    shared = {id(parameter) for parameter in one.parameters()} & {id(parameter) for parameter in other.parameters()}
    assert shared == encoder


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"members": 2, "snapshots": 2}, "members and snapshots are two ways to an ensemble"),
        ({"epochs": 5, "snapshots": 2}, "snapshots must divide epochs .* however: epochs=5, snapshots=2"),
        ({"snapshots": 2, "early_stopping": 1}, "leave out early_stopping"),
        ({"test_views": 2}, "test_views are augmented views of the photo: set augment"),
        ({"members": 0}, "training.members: Input should be greater than or equal to 1"),
    ],
)
def test_recipes_that_cannot_be_are_refused(pad_folder: Path, training: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        experiment(pad_folder, **training)
