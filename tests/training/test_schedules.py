"""Learning rate schedules against values by hand, and the cosine against torch's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from mmskin.config.schedules import SCHEDULES
from mmskin.training.schedules import WITHOUT_OPTIONS, constant, cosine, linear, schedule_of, step_down

STEP = partial(step_down, epochs=5, every=2, factor=0.5)  # of 10 steps, two an epoch: falls after steps 3 and 7


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        # Two of ten steps rise; then the line loses an eighth a step.
        (linear, [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0, 0.0]),
        (constant, [0.5, *[1.0] * 11]),
        (STEP, [0.5, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_after_a_line_to_the_peak_the_rate_is_that_of_its_schedule(
    schedule: Callable[..., float], factors: list[float]
) -> None:
    assert [schedule(step, steps=10, warmup=0.2) for step in range(12)] == factors


@pytest.mark.parametrize("schedule", [cosine, linear, constant, STEP])
def test_all_schedules_warm_up_alike_and_begin_at_their_peak_without(schedule: Callable[..., float]) -> None:
    assert [schedule(step, steps=20, warmup=0.2) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert schedule(0, steps=10, warmup=0.0) == 1.0
    assert schedule(0, steps=1, warmup=0.0) == 1.0


def test_a_fall_falls_into_the_warmup_too() -> None:
    factors = [step_down(step, steps=4, warmup=0.75, epochs=4, every=1, factor=0.5) for step in range(4)]
    assert factors == [1 / 3, 2 / 3 * 0.5, 1.0 * 0.25, 0.125]


def test_without_warmup_the_cosine_is_that_of_torch() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    reference = CosineAnnealingLR(optimizer, T_max=7)
    for step in range(8):
        assert 0.3 * cosine(step, steps=7, warmup=0.0) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        reference.step()


def test_every_name_of_a_config_has_its_function() -> None:
    assert {*WITHOUT_OPTIONS, "step"} == {*SCHEDULES}
    for name in SCHEDULES:
        slot = {"name": name, **SCHEDULES[name]().model_dump()}
        assert schedule_of(slot, epochs=3)(0, steps=9, warmup=0.0) == 1.0
