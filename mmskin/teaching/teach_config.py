"""What `mmskin teach` needs of a config: its data, its text encoder, and how that is taught. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmskin.config.experiment import DataConfig, Slot
from mmskin.config.strict import Strict
from mmskin.config.teaching_options import TAUGHT, TeachingOptions
from mmskin.config.validation import validated
from mmskin.config.yaml_files import read_overridden
from mmskin.encoders import TEXT_ENCODERS
from mmskin.errors import ConfigError
from mmskin.model.parts_check import faults_of_data, faults_of_slot, refuse


class TeachConfig(NamedTuple):
    """What is taught, and to which encoder.

    data: whose declared fields are taught.
    slot: of the text encoder, without `taught`.
    options: of the teaching.
    """

    data: DataConfig
    slot: Slot
    options: TeachingOptions


class DataAndEncoders(Strict):
    """Those sections of a config that `mmskin teach` reads; what stands beside them is not looked at."""

    data: DataConfig
    """Whose declared fields are taught."""
    encoders: dict[str, Slot]
    """By modality; that of text is taught."""


def read_teach_config(path: Path, overrides: Sequence[str] = ()) -> TeachConfig:
    """From a YAML file with `data` and `encoders.text`; its other sections are not read.

    Raises:
        ConfigError: no such file, no text encoder, or parts and options that do not exist: every fault in one line.
    """
    raw = read_overridden(path, overrides)
    asked = {key: value for key, value in raw.items() if key in DataAndEncoders.model_fields}
    config = validated(DataAndEncoders, asked, where=str(path))
    slot = config.encoders.get("text")
    if slot is None:
        raise ConfigError(f"{path} has no text encoder to teach; add encoders.text, such as {{name: transformers}}")
    refuse([*faults_of_data(config.data), *faults_of_slot("encoders.text", TEXT_ENCODERS, slot)])
    taught: Any = slot.get(TAUGHT, {})
    if not isinstance(taught, Mapping):
        raise ConfigError(f"encoders.text.taught={taught!r} is taught already; give options, such as {{steps: 250}}")
    plain = {key: value for key, value in slot.items() if key != TAUGHT}
    return TeachConfig(config.data, plain, TeachingOptions.model_validate(taught))
