from __future__ import annotations

import pytest
import torch
from torch import nn

from mmskin.encoders.freezing import hold_frozen, set_trainable, stages_of
from mmskin.errors import ConfigError


def block() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Parameter(torch.ones(2))
        self.stem = nn.Linear(2, 2)
        self.blocks = nn.ModuleList([block(), block()])
        self.norm = nn.LayerNorm(2)


@pytest.mark.parametrize(("trainable", "learning"), [("all", 3), ("none", 0), (0, 0), (1, 1), (2, 2), (3, 3)])
def test_the_last_stages_learn(trainable: object, learning: int) -> None:
    stages = [[nn.Parameter(torch.zeros(1))] for _ in range(3)]
    set_trainable(stages, trainable=trainable)  # type: ignore[arg-type]
    assert [stage[0].requires_grad for stage in stages] == [False] * (3 - learning) + [True] * learning


@pytest.mark.parametrize("trainable", [4, -1, True, False, "some", 1.5])
def test_another_number_of_stages_is_refused(trainable: object) -> None:
    stages = [[nn.Parameter(torch.zeros(1))] for _ in range(3)]
    with pytest.raises(ConfigError, match="last stages from 0 to 3, however: trainable="):
        set_trainable(stages, trainable=trainable)  # type: ignore[arg-type]


def test_stages_hold_every_parameter_once_with_the_end_in_the_last() -> None:
    model = Small()
    stages = stages_of(list(model.blocks), whole=model, last=("projection",))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert [[names[id(parameter)] for parameter in stage] for stage in stages] == [
        ["stem.weight", "stem.bias"],
        ["blocks.0.0.weight", "blocks.0.0.bias", "blocks.0.1.weight", "blocks.0.1.bias"],
        ["projection", *(f"blocks.1.{i}.{p}" for i in (0, 1) for p in ("weight", "bias")), "norm.weight", "norm.bias"],
    ]


def test_frozen_blocks_are_still_with_their_dropout_and_batch_norm() -> None:
    model = Small()
    set_trainable(stages_of(list(model.blocks), whole=model), trainable=1)
    model.train()
    hold_frozen(model)
    assert not any(module.training for module in model.blocks[0].modules())
    assert all(module.training for module in model.blocks[1].modules())
    assert model.training
