"""An arm with other options: what a trial of a search is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from mmskin.benchmark.benchmark_config import Arm
from mmskin.benchmark.resolve import Shared
from mmskin.config.experiment import TrainingConfig
from mmskin.config.validation import validated
from mmskin.errors import ConfigError


def with_options(arm: Arm, shared: Shared, options: Mapping[str, Any]) -> tuple[Arm, Shared]:
    """An arm, and what it shares with others, with options in place of its own.

    Args:
        arm: as it is written.
        shared: what it takes from the benchmark.
        options: by dotted path, such as {"loss.gamma": 2.0}.

    Raises:
        ConfigError: a section or an option that the arm does not have, or a value that it does not take.
    """
    for path, value in options.items():
        section, _, option = path.partition(".")
        arm, shared = _with_one(arm, shared, section, option, value)
    return arm, shared


def _with_one(arm: Arm, shared: Shared, section: str, option: str, value: Any) -> tuple[Arm, Shared]:
    """Changed where the arm has its section from: its own, or the shared one."""
    if section == "training":
        training = {**arm.training, option: value}
        validated(TrainingConfig, {**shared.training.model_dump(), **training}, where=section)
        return arm.model_copy(update={section: training}), shared
    own = getattr(arm, section)
    has_own = section in arm.model_fields_set if section in ("experts", "reduce") else own is not None
    of = own if has_own else getattr(shared, section, None)
    if not of:
        raise ConfigError(f"the arm has no {section}")
    changed = {section: _changed(of, option, value)}
    return (arm.model_copy(update=changed), shared) if has_own else (arm, shared._replace(**changed))


def _changed(of: Any, option: str, value: Any) -> Any:
    """A section, or a model in it, with one option changed."""
    if isinstance(of, BaseModel):
        return validated(type(of), {**of.model_dump(), option: value}, where="the arm")
    first, _, rest = option.partition(".")
    if not rest:
        return {**of, option: value}
    if first not in of:
        raise ConfigError(f"the arm has no {first}")
    return {**of, first: _changed(of[first], rest, value)}
