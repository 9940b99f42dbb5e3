"""The model of the best epoch, against what the log says of every epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from small_experiment import small_experiment
from torch import nn

from mmskin.config.experiment import Experiment
from mmskin.data.load import folds_of, load_cases, prepare_fold
from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import balanced_accuracy, log_loss
from mmskin.trained.ensemble import Trained
from mmskin.training.best_epoch import KeepBestEpoch
from mmskin.training.checkpoint import KeepLast
from mmskin.training.fit_fold import fit_fold

EPOCHS = 12
METRICS = {"lowest_log_loss": (log_loss, min), "best_balanced_accuracy": (balanced_accuracy, max)}
LOGGED = {"lowest_log_loss": "val_log_loss", "best_balanced_accuracy": "val_balanced_accuracy"}


def experiment(root: Path, **training: Any) -> Experiment:
    """One that overfits: what does best on validation rows is no late epoch."""
    recipe = {"epochs": EPOCHS, "learning_rate": 0.3, "threads": 1} | training
    return small_experiment(root, "metadata", fusion="metadata_only", **recipe)


def fitted(made: Experiment, folder: Path) -> tuple[Trained, pd.DataFrame]:
    cases = load_cases(made.data)
    fold = prepare_fold(made.data, cases, folds_of(made.data, cases), 0)
    return fit_fold(made, fold, folder, progress=False), fold.split.val


def value_of(trained: Trained, rows: pd.DataFrame, keep: str) -> float:
    """The watched metric, before calibration."""
    (model,) = trained.models
    target = pd.Index(trained.schema.classes).get_indexer(pd.Index(rows.target)).astype(np.int64)
    return float(METRICS[keep][0](target, np.exp(replace(model, temperature=1.0).log_probabilities(rows))))


@pytest.mark.parametrize("keep", list(METRICS))
def test_the_model_is_that_of_the_best_epoch_in_the_log(pad_folder: Path, tmp_path: Path, keep: str) -> None:
    trained, val = fitted(experiment(pad_folder, keep=keep), tmp_path)
    log = pd.read_csv(tmp_path / "log" / "version_0" / "metrics.csv")[LOGGED[keep]].dropna().tolist()
    best = METRICS[keep][1](log)
    assert len(log) == EPOCHS
    assert log.index(best) < EPOCHS - 1, "the last epoch is the best one: this shows nothing"
    assert value_of(trained, val, keep) == pytest.approx(best, abs=1e-5)


def test_of_equal_epochs_the_first_counts() -> None:
    model: Any = nn.Linear(1, 1, bias=False)
    model.encoders = {}
    callback = KeepBestEpoch(model, by="best_balanced_accuracy")
    for epoch, value in enumerate([0.2, 0.5, 0.5, 0.4]):
        nn.init.constant_(model.weight, epoch)
        callback.on_train_epoch_end(
            cast(Any, SimpleNamespace(callback_metrics={"val_balanced_accuracy": value})), model
        )
    callback.restore()
    assert model.weight.item() == 1


def test_a_stopped_training_goes_on_with_the_best_epoch_of_before(
    pad_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = experiment(pad_folder, keep="lowest_log_loss")
    whole, val = fitted(made, tmp_path / "whole")
    keep = KeepLast.on_train_epoch_end

    def stopped(self: KeepLast, trainer: Any, module: Any) -> None:
        keep(self, trainer, module)
        if trainer.current_epoch == EPOCHS - 3:
            raise RuntimeError("the plug was pulled")

    monkeypatch.setattr(KeepLast, "on_train_epoch_end", stopped)
    with pytest.raises(RuntimeError):
        fitted(made, tmp_path / "halves")
    monkeypatch.undo()
    halves, _ = fitted(made, tmp_path / "halves")
    assert np.array_equal(halves.probabilities(val), whole.probabilities(val))


@pytest.mark.parametrize(
    ("training", "fault"),
    [
        ({"validate_epochs": False}, "keep watches validation rows after every epoch: set validate_epochs to true"),
        ({"snapshots": 2}, "leave out early_stopping and keep"),
        ({"keep": "first"}, "training.keep"),
    ],
)
def test_what_cannot_be_kept_is_refused(pad_folder: Path, training: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        experiment(pad_folder, **({"keep": "lowest_log_loss"} | training))
