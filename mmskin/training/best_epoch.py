"""The model as it was after its best epoch, instead of its last one."""

from __future__ import annotations

from typing import Any

import lightning
from torch import Tensor

from mmskin.model.classifier import MultimodalClassifier
from mmskin.training.snapshots import learned_state

LOGGED = {"lowest_log_loss": ("val_log_loss", -1), "best_balanced_accuracy": ("val_balanced_accuracy", 1)}
"""By option of the recipe: the value that is watched, and its sign where more is better."""


class KeepBestEpoch(lightning.Callback):
    """Keeps what the model has learned after the epoch that did best on validation rows; travels with the checkpoint.

    Of equal epochs the first counts.

    Args:
        model: that is trained.
        by: one of `LOGGED`.
    """

    def __init__(self, model: MultimodalClassifier, *, by: str) -> None:
        self.model = model
        self.watched, self.sign = LOGGED[by]
        self.best = float("-inf")
        self.state: dict[str, Tensor] = {}

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        value = self.sign * float(trainer.callback_metrics[self.watched])
        if value > self.best:
            self.best, self.state = value, learned_state(self.model)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "state": self.state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.state = state_dict["best"], dict(state_dict["state"])

    def restore(self) -> None:
        """Give the model back what it had learned then."""
        self.model.load_state_dict(self.state, strict=False)
