"""Whether the device that a recipe names is there, told before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from mmskin.errors import ConfigError

FOUND: Mapping[str, Callable[[], bool]] = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
"""By accelerator that not every machine has: whether this one does."""


def check_accelerator(name: str) -> None:
    """Nothing, if this machine has the accelerator.

    Raises:
        ConfigError: it has not, or torch was built without it.
    """
    if name in FOUND and not FOUND[name]():
        raise ConfigError(
            f"training.accelerator: {name}, however torch {torch.__version__} finds none on this machine; set it to "
            "auto or cpu, or install the driver and a torch that is built for it"
        )
