"""Which part of a pretrained encoder learns, and what keeps the rest still.

A frozen part stays in eval mode whatever the rest of the model does: batch norm would otherwise go on learning its
running statistics, and dropout would give a frozen encoder a new answer on each call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import nn

from mmskin.errors import ConfigError

Trainable = Literal["all", "none"] | int
"""The whole encoder, nothing of it, or its last n stages."""


def set_trainable(stages: Sequence[Sequence[nn.Parameter]], *, trainable: Trainable) -> None:
    """Let the parameters of the last stages learn, and no others.

    Args:
        stages: every parameter of the encoder, in stages from the input to the output.
        trainable: "all", "none", or the number of last stages that learn, 0 to len(stages).

    Raises:
        ConfigError: none of these.
    """
    if trainable == "all":
        count = len(stages)
    elif trainable == "none":
        count = 0
    elif isinstance(trainable, int) and not isinstance(trainable, bool) and 0 <= trainable <= len(stages):
        count = trainable
    else:
        raise ConfigError(
            f'trainable must be "all", "none" or a number of last stages from 0 to {len(stages)}, '
            f"however: trainable={trainable!r}"
        )
    for index, stage in enumerate(stages):
        for parameter in stage:
            parameter.requires_grad_(index >= len(stages) - count)


def hold_frozen(module: nn.Module) -> None:
    """Put every part that has parameters, but none that learns, in eval mode. To be called at the end of `train`."""
    parameters = list(module.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        for part in module.modules():
            part.training = False  # not eval(), which would call the train() that calls this
        return
    for child in module.children():
        hold_frozen(child)


def stages_of(blocks: Sequence[nn.Module], *, whole: nn.Module, last: Sequence[str] = ()) -> list[list[nn.Parameter]]:
    """Stages of a transformer: what comes before the blocks, then one stage a block.

    What follows the blocks (a last norm, a projection) belongs to the last one: it is small, and to train it less than
    the block before it is never of use.

    Args:
        blocks: in order.
        whole: the model that holds them.
        last: names of parameters that follow the blocks, though the model declares them before.
    """
    in_block = {id(parameter): index for index, block in enumerate(blocks, 1) for parameter in block.parameters()}
    stages: list[list[nn.Parameter]] = [[] for _ in range(len(blocks) + 1)]
    current = 0
    for name, parameter in whole.named_parameters():
        current = in_block.get(id(parameter), current)
        stages[-1 if name in last else current].append(parameter)
    return stages
