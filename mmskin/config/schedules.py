"""`training.schedule`: how the learning rate goes on after its warm-up, by name, with the options of each."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from mmskin.config.strict import Strict


class Cosine(Strict):
    """Down to 0 in half a cosine."""


class Linear(Strict):
    """Down to 0 in a straight line."""


class Constant(Strict):
    """Stays at its peak."""


class Step(Strict):
    """Falls by a factor after every so many epochs, counted from the first one, warm-up included."""

    every: int = Field(default=10, ge=1)
    """Epochs between two falls."""
    factor: float = Field(default=0.1, gt=0, lt=1)
    """By which the rate is multiplied at a fall."""


SCHEDULES: Mapping[str, type[Strict]] = {"cosine": Cosine, "linear": Linear, "constant": Constant, "step": Step}
"""Options by name; `mmskin.training.schedules` has the functions under the same names."""
