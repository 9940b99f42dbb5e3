"""`training.optimizer`: the optimisers by name, each with the options of torch's class that are worth a choice.

Learning rates and weight decay are not among them: they are keys of the recipe, the same whichever optimiser is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from mmskin.config.strict import Strict

Beta = Annotated[float, Field(ge=0, lt=1)]


class _Moments(Strict):
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """How much of the mean gradient, and of the mean squared one, is kept from step to step."""
    eps: float = Field(default=1e-8, gt=0)
    """Added to the root of the mean squared gradient."""


class AdamW(_Moments):
    """Weights shrink by rate × decay a step, beside the gradient (Loshchilov & Hutter, ICLR 2019)."""

    amsgrad: bool = False
    """Whether the largest mean squared gradient so far counts, not the latest."""


class Adam(_Moments):
    """As `adamw`, with weight decay added to the gradient: it is divided by the gradient's size like the rest."""

    amsgrad: bool = False
    """Whether the largest mean squared gradient so far counts, not the latest."""


class NAdam(_Moments):
    """Adam with Nesterov momentum (Dozat, 2016)."""

    momentum_decay: float = Field(default=4e-3, ge=0)
    """How fast the momentum grows to its first beta."""
    decoupled_weight_decay: bool = False
    """Whether weights are shrunk beside the gradient, as by `adamw`, not by adding decay to it."""


class RAdam(_Moments):
    """Adam whose first steps are damped until the squared gradients are known (Liu et al., ICLR 2020)."""

    decoupled_weight_decay: bool = False
    """Whether weights are shrunk beside the gradient, as by `adamw`, not by adding decay to it."""


class RMSprop(Strict):
    """The gradient divided by the root of its mean square; weight decay is added to the gradient."""

    alpha: float = Field(default=0.99, ge=0, lt=1)
    """How much of the mean squared gradient is kept from step to step."""
    eps: float = Field(default=1e-8, gt=0)
    """Added to the root of the mean squared gradient."""
    momentum: float = Field(default=0.0, ge=0, lt=1)
    """How much of the last step is gone again."""
    centered: bool = False
    """Whether the variance of the gradient divides it, not the mean square."""


class SGD(Strict):
    """Plain descent with momentum; weight decay is added to the gradient. It wants other rates than Adam, and a
    smaller weight decay: 1e-4 is usual."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """How much of the last step is gone again."""
    dampening: float = Field(default=0.0, ge=0, lt=1)
    """By how much the gradient counts less beside momentum."""
    nesterov: bool = True
    """Whether the gradient is taken as if the momentum's step had been gone already."""

    @model_validator(mode="after")
    def _has_momentum_for_nesterov(self) -> Self:
        if self.nesterov and (self.momentum == 0 or self.dampening > 0):
            raise ValueError(
                f"nesterov needs momentum above 0 and dampening 0, however: momentum={self.momentum:g}, "
                f"dampening={self.dampening:g}; set nesterov to false"
            )
        return self


OPTIMIZERS: Mapping[str, type[Strict]] = {
    "adamw": AdamW,
    "adam": Adam,
    "nadam": NAdam,
    "radam": RAdam,
    "rmsprop": RMSprop,
    "sgd": SGD,
}
"""Options by name; each class is called as the one of torch.optim that takes them."""
