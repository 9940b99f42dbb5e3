"""Optimiser, schedule and device of a recipe, as a config names them."""

from __future__ import annotations

from typing import Any

import pytest

from mmskin.config.experiment import TrainingConfig
from mmskin.config.validation import validated
from mmskin.errors import ConfigError


def training(**given: Any) -> TrainingConfig:
    return validated(TrainingConfig, given, where="training")


def test_a_name_alone_is_recorded_with_the_options_that_it_stands_for() -> None:
    assert training(optimizer="sgd").optimizer == {"name": "sgd", "momentum": 0.9, "dampening": 0.0, "nesterov": True}
    assert training(optimizer={"name": "sgd", "momentum": 0.8}).optimizer["momentum"] == 0.8
    assert training(schedule="step").schedule == {"name": "step", "every": 10, "factor": 0.1}


def test_the_default_is_adamw_under_a_cosine_and_a_record_is_read_as_it_was_written() -> None:
    assert training() == training(optimizer="adamw", schedule="cosine")
    assert training(**training().model_dump(mode="json")) == training()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"optimizer": "sdg"},
            r"optimizer: optimizer 'sdg' does not exist\. Did you mean 'sgd'\? .* adam, adamw, nadam",
        ),
        ({"optimizer": {"name": "sgd", "momentum": 1.5}}, r"sgd\.momentum: .*less than 1, however: 1\.5"),
        ({"optimizer": {"name": "sgd", "momentun": 0.5}}, r"sgd\.momentun does not exist \(did you mean momentum\?\)"),
        ({"optimizer": {"name": "sgd", "lr": 0.5}}, r"sgd\.lr does not exist"),
        ({"optimizer": {"name": "sgd", "momentum": 0}}, "nesterov needs momentum above 0 .* set nesterov to false"),
        ({"optimizer": {"name": "adamw", "betas": [0.9]}}, r"adamw\.betas"),
        ({"optimizer": 3}, r"optimizer is a name, or \{name: …\} with options; names are adamw, adam"),
        ({"schedule": "polynomial"}, r"schedule 'polynomial' does not exist.* constant, cosine, linear, step"),
        ({"schedule": {"name": "step", "every": 0}}, r"step\.every: .*greater than or equal to 1, however: 0"),
        ({"schedule": {"name": "cosine", "every": 2}}, r"cosine\.every does not exist"),
        ({"schedule": "linear", "snapshots": 2}, "at the end of cosine cycles: .* schedule=linear, snapshots=2"),
        ({"accelerator": "gpu"}, "accelerator: .*'auto', 'cpu', 'cuda' or 'mps', however: 'gpu'"),
        ({"devices": 2}, r"one device; to use several, train arms and folds side by side: .*however: 2"),
        ({"accumulate": 0}, r"accumulate: .*greater than or equal to 1, however: 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        training(**given)
    assert "\n" not in str(caught.value)
