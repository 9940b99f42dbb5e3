"""Learning rate schedules: the share of the peak rate at a step, after a warm-up in a straight line.

step: in [0, steps), of the optimiser; steps: of the whole schedule; warmup: share of the steps on which the rate rises.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol


class Schedule(Protocol):
    """Share of the peak learning rate at a step."""

    def __call__(self, step: int, *, steps: int, warmup: float) -> float: ...


def cosine(step: int, *, steps: int, warmup: float) -> float:
    """A rising line, then half a cosine down to 0."""
    rising = _rising(steps, warmup)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * _share_of_fall(step, steps, rising)))


def linear(step: int, *, steps: int, warmup: float) -> float:
    """A rising line, then one down to 0."""
    rising = _rising(steps, warmup)
    return (step + 1) / rising if step < rising else 1 - _share_of_fall(step, steps, rising)


def constant(step: int, *, steps: int, warmup: float) -> float:
    """A rising line, then the peak."""
    rising = _rising(steps, warmup)
    return (step + 1) / rising if step < rising else 1.0


def step_down(step: int, *, steps: int, warmup: float, epochs: int, every: int, factor: float) -> float:
    """A rising line to the peak, multiplied by a factor after every so many epochs from the first one."""
    fallen = min(step, steps - 1) * epochs // steps // every
    return constant(step, steps=steps, warmup=warmup) * factor**fallen


def schedule_of(slot: Mapping[str, Any], *, epochs: int) -> Schedule:
    """The function of a slot such as {name: step, every: 10, factor: .1}.

    Args:
        slot: a name of `mmskin.config.schedules` with its options.
        epochs: of the whole schedule.
    """
    options = {key: value for key, value in slot.items() if key != "name"}
    if slot["name"] == "step":
        return partial(step_down, epochs=epochs, **options)
    return WITHOUT_OPTIONS[slot["name"]]


WITHOUT_OPTIONS: Mapping[str, Schedule] = {"cosine": cosine, "linear": linear, "constant": constant}


def _rising(steps: int, warmup: float) -> int:
    """On how many steps the rate rises; one at least where there is any warm-up."""
    return max(1, round(warmup * steps)) if warmup else 0


def _share_of_fall(step: int, steps: int, rising: int) -> float:
    return min(1.0, (step - rising) / max(1, steps - rising))
