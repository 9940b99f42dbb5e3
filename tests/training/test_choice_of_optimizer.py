"""`training.optimizer` and `training.schedule`: from the config to torch's classes and their steps."""

from __future__ import annotations

import inspect
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import SGD, Adam, AdamW, NAdam, RAdam, RMSprop
from training.probe_parts import Diary, probe_experiment, trained

from mmskin.config.experiment import TrainingConfig
from mmskin.config.optimisers import OPTIMIZERS
from mmskin.model.classifier import build_model
from mmskin.schema import Schema
from mmskin.training.optimisation import Recipe, make_optimizer

CLASSES = {"adamw": AdamW, "adam": Adam, "nadam": NAdam, "radam": RAdam, "rmsprop": RMSprop, "sgd": SGD}
OPTIONS = {
    "adamw": {"betas": [0.8, 0.9], "eps": 1e-6, "amsgrad": True},
    "adam": {"betas": [0.8, 0.9], "eps": 1e-6, "amsgrad": True},
    "nadam": {"betas": [0.8, 0.9], "eps": 1e-6, "momentum_decay": 0.1, "decoupled_weight_decay": True},
    "radam": {"betas": [0.8, 0.9], "eps": 1e-6, "decoupled_weight_decay": True},
    "rmsprop": {"alpha": 0.9, "eps": 1e-6, "momentum": 0.5, "centered": True},
    "sgd": {"momentum": 0.5, "dampening": 0.1, "nesterov": False},
}


def test_every_name_of_a_config_is_a_class_of_torch_that_takes_its_options_with_the_same_defaults() -> None:
    assert OPTIMIZERS.keys() == CLASSES.keys() == OPTIONS.keys()
    for name, options in OPTIMIZERS.items():
        parameters = inspect.signature(CLASSES[name]).parameters
        differing = {"momentum", "nesterov"} if name == "sgd" else set()  # .9 with Nesterov, not plain descent
        for option, value in options().model_dump().items():
            assert option in parameters
            assert option in differing or value == parameters[option].default


@pytest.mark.parametrize("name", OPTIONS)
def test_options_arrive_at_the_optimizer_and_the_groups_keep_their_rates_and_decay(name: str) -> None:
    training = TrainingConfig.model_validate({"optimizer": {"name": name, **OPTIONS[name]}})
    recipe = Recipe(0.1, 0.01, weight_decay=0.05, warmup=0.0, optimizer=training.optimizer)
    parts = ({"metadata": {"name": "tokens", "dim": 4}}, {"name": "metadata_only"}, {"name": "cross_entropy"})
    schema = Schema(name="tiny", classes=("a", "b"), fields=({"name": "itch", "kind": "yes_no"},))
    model, _ = build_model(*parts, schema=schema, class_counts=[1, 1])
    optimizer, _ = make_optimizer(model, recipe, steps=10)
    assert type(optimizer) is CLASSES[name]
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.05, 0.0}
    for group in optimizer.param_groups:
        assert group["lr"] == 0.1
        assert {option: list(of) if isinstance(of := group[option], tuple) else of for option in OPTIONS[name]} == (
            OPTIONS[name]
        )


def lengths(diary: Diary, folder: Path, **training: Any) -> list[float]:
    """How far each step moves a logit whose gradient is always 1, in units of the learning rate."""
    trained(diary, probe_experiment(learning_rate=0.1, epochs=4, **training), folder)
    answers = [0.0, *(float(step.values["fused"][0, 0]) for step in diary.steps)]
    return [(before - after) / 0.1 for before, after in pairwise(answers)]


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("adamw", [1, 1, 1, 1]),
        ("adam", [1, 1, 1, 1]),
        ({"name": "sgd", "momentum": 0, "nesterov": False}, [1, 1, 1, 1]),
        ({"name": "sgd", "momentum": 0.5, "nesterov": False}, [1, 1.5, 1.75, 1.875]),
        ("sgd", [1.9, 2.71, 3.439, 4.0951]),  # with Nesterov 1 + .9 b, b = 1, 1.9, 2.71, 3.439
        ({"name": "rmsprop", "alpha": 0.75}, [2, (7 / 16) ** -0.5, (37 / 64) ** -0.5, (175 / 256) ** -0.5]),
    ],
)
def test_steps_are_those_of_the_optimizer_that_is_named(
    diary: Diary, tmp_path: Path, optimizer: Any, expected: list[float]
) -> None:
    got = lengths(diary, tmp_path, optimizer=optimizer, schedule="constant")
    assert got == pytest.approx(expected, rel=1e-4)  # float32 values near 0.5


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cosine", [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2]),
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("constant", [1, 1, 1, 1]),
        ({"name": "step", "every": 3, "factor": 0.5}, [1, 1, 1, 0.5]),
    ],
)
def test_rates_are_those_of_the_schedule_that_is_named(
    diary: Diary, tmp_path: Path, schedule: Any, expected: list[float]
) -> None:
    assert lengths(diary, tmp_path, schedule=schedule) == pytest.approx(expected, rel=1e-4)


def test_weight_decay_is_added_to_the_gradient_by_sgd(diary: Diary, tmp_path: Path) -> None:
    flat: dict[str, Any] = {"loss": {"slope": 0.0}, "fusion": {"gap": 2.0, "reads": True}}
    trained(diary, probe_experiment(learning_rate=0.1, weight_decay=0.5, optimizer="sgd", **flat), tmp_path)
    (step,) = diary.steps
    assert step.values["fused"][0, 0] == pytest.approx(2 * (1 - 0.1 * 0.5 * 1.9))  # Nesterov's first step
    assert torch.equal(step.values["slack"], torch.ones(2))
