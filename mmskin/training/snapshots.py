"""Snapshot ensemble: one training of several cosine cycles, the model at the end of each kept.

Source: Huang et al., *Snapshot ensembles: train 1, get M for free*, ICLR 2017, equation 2.
NOTE[DIFF]: a cycle begins with the recipe's warm-up, where the paper starts every cycle at the peak.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import lightning
from torch import Tensor

from mmskin.model.classifier import MultimodalClassifier
from mmskin.training.readings import is_frozen


class KeepSnapshots(lightning.Callback):
    """Keeps what the model has learned at the end of every cycle; travels with the checkpoint.

    Args:
        model: that is trained.
        cycle: its length in epochs.
    """

    def __init__(self, model: MultimodalClassifier, *, cycle: int) -> None:
        self.model, self.cycle = model, cycle
        self.states: list[dict[str, Tensor]] = []

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if (trainer.current_epoch + 1) % self.cycle == 0:
            self.states.append(learned_state(self.model))

    def state_dict(self) -> dict[str, Any]:
        return {"states": self.states}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.states = list(state_dict["states"])

    def models(self) -> list[MultimodalClassifier]:
        """The model as it was at the end of every cycle, in order; frozen encoders are shared by all."""
        return [_as_it_was(self.model, state) for state in self.states]


def learned_state(model: MultimodalClassifier) -> dict[str, Tensor]:
    """A copy of all tensors but those of frozen encoders, on the CPU."""
    frozen = tuple(f"encoders.{name}." for name, encoder in model.encoders.items() if is_frozen(encoder))
    state = model.state_dict()
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items() if not name.startswith(frozen)}


def _as_it_was(model: MultimodalClassifier, state: dict[str, Tensor]) -> MultimodalClassifier:
    shared = {id(encoder): encoder for encoder in model.encoders.values() if is_frozen(encoder)}
    copied = deepcopy(model, memo=dict(shared))
    copied.load_state_dict(state, strict=False)
    return copied.eval()
