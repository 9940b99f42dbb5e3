"""An optimiser of torch with parameter groups, and its schedule; gone through once, or in several cycles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import optim
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from mmskin.config.optimisers import OPTIMIZERS
from mmskin.model.classifier import MultimodalClassifier
from mmskin.training.schedules import schedule_of


class Recipe(NamedTuple):
    """How to descend.

    learning_rate: of all that starts from nothing.
    encoder_learning_rate: of pretrained encoders.
    weight_decay: of matrices.
    warmup: share of the steps of a cycle.
    cycles: how often the schedule is gone through, each time from its peak.
    epochs: of the whole training.
    optimizer: a name of `OPTIMIZERS` with the options of that class.
    schedule: a name of `mmskin.config.schedules` with its options.
    """

    learning_rate: float
    encoder_learning_rate: float
    weight_decay: float
    warmup: float
    cycles: int = 1
    epochs: int = 1
    optimizer: Mapping[str, Any] = {"name": "adamw"}
    schedule: Mapping[str, Any] = {"name": "cosine"}


def make_optimizer(model: MultimodalClassifier, recipe: Recipe, *, steps: int) -> tuple[Optimizer, LambdaLR]:
    """The optimiser of every trainable parameter, and its schedule over `steps` steps.

    Vectors (biases, norms, embeddings of absence) are not decayed: usual practice; Loshchilov & Hutter decay all.
    """
    groups = []
    pretrained = [encoder for encoder in model.encoders.values() if encoder.is_pretrained]
    inside = {id(p) for encoder in pretrained for p in encoder.parameters()}
    trainable = [p for p in model.parameters() if p.requires_grad]
    for is_encoder, rate in ((True, recipe.encoder_learning_rate), (False, recipe.learning_rate)):
        of_group = [p for p in trainable if (id(p) in inside) == is_encoder]
        matrices = [p for p in of_group if p.ndim > 1]
        vectors = [p for p in of_group if p.ndim <= 1]
        if matrices:
            groups.append({"params": matrices, "lr": rate, "weight_decay": recipe.weight_decay})
        if vectors:
            groups.append({"params": vectors, "lr": rate, "weight_decay": 0.0})
    options = {key: value for key, value in recipe.optimizer.items() if key != "name"}
    optimizer: Optimizer = getattr(optim, OPTIMIZERS[recipe.optimizer["name"]].__name__)(groups, **options)
    schedule = schedule_of(recipe.schedule, epochs=recipe.epochs)
    length = math.ceil(steps / recipe.cycles)

    def factor(step: int) -> float:
        done = min(step // length, recipe.cycles - 1)  # after its last step a schedule stays at 0
        return schedule(step - done * length, steps=length, warmup=recipe.warmup)

    return optimizer, LambdaLR(optimizer, factor)
