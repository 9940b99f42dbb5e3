"""How long a fit lasts, what it watches and what it leaves on the disk."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from training.probe_parts import Diary, made_fold, noise_photo, probe_experiment, trained

from mmskin.benchmark.run.cell import held_threads
from mmskin.config.experiment import parse_experiment
from mmskin.errors import UserError

FLAT: dict[str, Any] = {"loss": {"slope": 0.0}}


@pytest.mark.parametrize("asked", [True, False])
def test_validation_rows_are_read_after_every_epoch_if_asked(diary: Diary, tmp_path: Path, asked: bool) -> None:
    trained(diary, probe_experiment(epochs=3, validate_epochs=asked), tmp_path)
    modes = [forward.training for forward in diary.forwards["text"]]
    calibration = [False]
    assert modes == ([True, False] * 3 if asked else [True] * 3) + calibration


@pytest.mark.parametrize("patience", [1, 3])
def test_without_a_better_validation_log_loss_training_ends_after_so_many_epochs(
    diary: Diary, tmp_path: Path, patience: int
) -> None:
    trained(diary, probe_experiment(epochs=9, early_stopping=patience, validate_epochs=True, **FLAT), tmp_path)
    assert len(diary.of_training("text")) == 1 + patience


def test_while_the_validation_log_loss_falls_training_goes_on(diary: Diary, tmp_path: Path) -> None:
    # The logit of a falls step by step from 4 above that of b to 0, and validation has as many of both.
    gap = {"gap": 4.0}
    experiment = probe_experiment(
        epochs=9, early_stopping=1, validate_epochs=True, learning_rate=0.05, weight_decay=0.5, fusion=gap, **FLAT
    )
    trained(diary, experiment, tmp_path)
    assert len(diary.of_training("text")) == 9


def test_the_losses_in_the_log_are_means_over_cases(diary: Diary, tmp_path: Path) -> None:
    # Of the logits (2, 0), and of batches of three and of one.
    of = made_fold(val="aaba")
    experiment = probe_experiment(batch_size=3, validate_epochs=True, fusion={"gap": 2.0})
    trained(diary, experiment, tmp_path, of)
    log = pd.read_csv(tmp_path / "log" / "version_0" / "metrics.csv")
    right, wrong = math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))
    assert log["val_log_loss"].dropna().tolist() == pytest.approx([(3 * right + wrong) / 4])
    assert log["train_loss"].dropna().tolist() == pytest.approx([2.0])  # the probe's loss is the sum of the logits


def test_without_early_stopping_a_validation_log_loss_that_stands_still_ends_nothing(
    diary: Diary, tmp_path: Path
) -> None:
    trained(diary, probe_experiment(epochs=9, validate_epochs=True, **FLAT), tmp_path)
    assert len(diary.of_training("text")) == 9


def test_the_last_epoch_counts_and_not_the_best(diary: Diary, tmp_path: Path) -> None:
    experiment = probe_experiment(epochs=3, learning_rate=0.1, validate_epochs=True, fusion={"reads": True})
    answering = trained(diary, experiment, tmp_path)
    learned = dict(answering.model.named_parameters())["encoders.text.matrix"]
    assert torch.equal(learned, diary.steps[-1].values["text.matrix"])
    assert len(diary.steps) == 3


@pytest.mark.parametrize("kept", [True, False])
def test_a_fit_that_fails_leaves_its_last_epoch_if_asked(diary: Diary, tmp_path: Path, kept: bool) -> None:
    with pytest.raises(UserError, match="the loss became nan at step 2"):
        trained(diary, probe_experiment(epochs=5, checkpoint=kept, loss={"nan_at": 2}), tmp_path)
    assert (tmp_path / "last.ckpt").exists() == kept


def test_a_fit_that_fails_names_ten_cases_and_what_to_change(diary: Diary, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lower training\.learning_rate or training\.encoder_learning_rate") as told:
        trained(diary, probe_experiment(batch_size=12, loss={"nan_at": 0}), tmp_path, made_fold(train="ab" * 6))
    assert str(told.value).count("train ") == 10


def test_a_fit_goes_on_from_its_last_epoch(diary: Diary, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nan"):
        trained(diary, probe_experiment(epochs=5, loss={"nan_at": 2}), tmp_path)
    diary.asked.clear()
    trained(diary, probe_experiment(epochs=5), tmp_path)
    assert [asked.progress for asked in diary.losses()] == pytest.approx([2 / 5, 3 / 5, 4 / 5])


@pytest.mark.parametrize(("logger", "pattern"), [("csv", "metrics.csv"), ("tensorboard", "events.out.*")])
def test_the_log_is_of_the_kind_asked_for(diary: Diary, tmp_path: Path, logger: str, pattern: str) -> None:
    trained(diary, probe_experiment(logger=logger), tmp_path)
    files = {path.name for path in (tmp_path / "log").rglob("*") if path.is_file()}
    assert any(Path(name).match(pattern) for name in files), files


def test_no_model_is_saved_where_none_is_asked_for(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment(save_model=False), tmp_path)
    assert not (tmp_path / "model").exists()


def test_a_fit_runs_its_frozen_encoder_where_nobody_has_before(tmp_path: Path) -> None:
    frozen = {"name": "timm", "model": "test_efficientnet", "image_size": 32, "trainable": "none"}
    raw = probe_experiment("image").to_json() | {"features": str(tmp_path / "features"), "encoders": {"image": frozen}}
    raw |= {"fusion": {"name": "image_only"}, "loss": {"name": "cross_entropy"}}
    of = made_fold(photo=noise_photo(tmp_path))
    answering = trained(Diary(), parse_experiment(raw), tmp_path / "run", of)
    assert list((tmp_path / "features").rglob("*.npy"))
    assert answering.probabilities(of.split.test).shape == (4, 2)


def test_photos_are_pooled_as_asked(diary: Diary, tmp_path: Path) -> None:
    fold = made_fold(photo=noise_photo(tmp_path))
    by_name = {
        name: trained(diary, probe_experiment("image", photo_pooling=name), tmp_path / name, fold)
        for name in ("mean", "attention")
    }
    assert by_name["mean"].model.photo_pooling is None
    assert by_name["attention"].model.photo_pooling is not None


@pytest.mark.parametrize("threads", [1, 2, None])
def test_a_cell_runs_on_the_threads_asked_for_and_gives_them_back(threads: int | None) -> None:
    before = torch.get_num_threads()
    with held_threads(threads):
        assert torch.get_num_threads() == (before if threads is None else threads)
    assert torch.get_num_threads() == before
