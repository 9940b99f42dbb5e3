"""AdamW with parameter groups, linear warm-up, cosine to zero; once, or in several cycles."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from mmskin.model.classifier import MultimodalClassifier


class Recipe(NamedTuple):
    """How to descend.

    learning_rate: of all that starts from nothing.
    encoder_learning_rate: of pretrained encoders.
    weight_decay: of matrices.
    warmup: share of the steps of a cycle.
    cycles: how often the schedule is gone through, each time from its peak.
    """

    learning_rate: float
    encoder_learning_rate: float
    weight_decay: float
    warmup: float
    cycles: int = 1


def make_optimizer(model: MultimodalClassifier, recipe: Recipe, *, steps: int) -> tuple[AdamW, LambdaLR]:
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
    optimizer = AdamW(groups)
    length = math.ceil(steps / recipe.cycles)

    def factor(step: int) -> float:
        done = min(step // length, recipe.cycles - 1)  # after its last step a schedule stays at 0
        return learning_rate_factor(step - done * length, steps=length, warmup=recipe.warmup)

    return optimizer, LambdaLR(optimizer, factor)


def learning_rate_factor(step: int, *, steps: int, warmup: float) -> float:
    """Share of the peak learning rate at a step in [0, steps): a rising line, then half a cosine down to 0."""
    rising = max(1, round(warmup * steps)) if warmup else 0
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / max(1, steps - rising))))
