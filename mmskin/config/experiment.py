"""An experiment, as validated models. A YAML file is read into `Experiment`; every fault is told with its path.

An open slot (source, encoder, fusion, loss) is {name: …, option: value, …}: the name is looked up by `build.build`,
the options are the constructor's arguments.
"""

from __future__ import annotations

import difflib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from mmskin.errors import ConfigError

Slot = dict[str, Any]
ModalityName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""`text`, `metadata`, or a kind of photo as the data set names it."""
Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """A part of a config: nothing may stand in it that it does not know, and nothing changes it afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(Strict):
    """Which cases, and which part of them does what."""

    source: Slot
    root: str
    """Folder of the data set. A relative path counts from where the command is run."""
    folds: int | str = 5
    """Number of patient-disjoint folds to make, a CSV file with a fold for every case, or "official": the split that
    the data set comes with."""
    fold_seed: int = 42
    test_folds: Literal["all"] | list[int] = "all"
    """Fold k is tested, fold k+1 validates, the rest trains. Of an official split "all" is its test part."""
    fields: list[str] | None = None
    """Fields of the history to use; all that the source declares if null."""
    without: list[str] = []
    """Fields to leave out, for ablations."""
    missingness: Literal["visible", "always_recorded", "equalized"] = "visible"
    conflicts: Literal["keep", "drop", "error"] = "keep"
    """What to do with photos that are the same bytes under different labels."""
    photo_side: int = Field(default=256, ge=32)
    """Photos are shrunk to this longest side when read, before augmentation; pixels."""


class TrainingConfig(Strict):
    """The recipe. Epochs are fixed and the last one counts, so validation rows stay clean for calibration."""

    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=32, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    """For everything that starts from nothing: fusion, head, encoders without learned weights."""
    encoder_learning_rate: float = Field(default=1e-4, gt=0)
    """For the trainable part of pretrained encoders."""
    weight_decay: float = Field(default=0.05, ge=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps with linearly rising learning rate, before the cosine."""
    clip_norm: float = Field(default=1.0, gt=0)
    branch_weight: float = Field(default=1.0, gt=0)
    """Weight of the mean branch loss beside the fused one, for fusions with branches."""
    views: int = Field(default=1, ge=1)
    """K augmented views per case: epoch e reads view e mod K, and view 0 is the plain one."""
    augment: dict[str, Any] | None = None
    """Options of the photo augmentation; {} for its defaults, null for none."""
    vary_notes: bool = True
    """Views after the first tell the note in varied order and words."""
    field_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Chance that a recorded field is hidden in a view after the first."""
    history_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Chance that a case is shown without its history: note and columns alike."""
    image_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Chance that a case with a history is shown without its photo."""
    sampler: Literal["shuffle", "class_balanced"] = "shuffle"
    allow_double_balancing: bool = False
    """Must be true to use a class-balanced sampler and a class-weighted loss together."""
    validate_epochs: bool = True
    """Whether the validation log-loss is logged after every epoch. The last epoch counts either way."""
    early_stopping: int | None = Field(default=None, ge=1)
    """Epochs without a better validation log-loss before training ends; null for the fixed number of epochs."""
    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = True
    workers: int = Field(default=0, ge=0)
    threads: int | None = Field(default=None, ge=1)
    """Torch threads; all cores if null. Results are bit-equal only for equal numbers of threads."""
    logger: Literal["csv", "tensorboard"] = "csv"
    checkpoint: bool = True
    """Whether a fold that was stopped goes on from its last epoch; if not it begins again."""
    save_model: bool = True

    @model_validator(mode="after")
    def _has_views_to_vary(self) -> Self:
        varied = [name for name in ("augment", "field_dropout") if getattr(self, name) not in (None, 0)]
        if varied and self.views == 1:
            raise ValueError(f"{varied[0]} varies the views after the first, the plain one: set views to 2 or more")
        return self

    @model_validator(mode="after")
    def _has_something_to_stop_by(self) -> Self:
        if self.early_stopping and not self.validate_epochs:
            raise ValueError("early_stopping watches the validation log-loss: set validate_epochs to true")
        return self


class Experiment(Strict):
    """Everything that `mmskin train` needs to know."""

    name: str
    data: DataConfig
    encoders: dict[ModalityName, Slot]
    fusion: Slot
    photo_pooling: Literal["mean", "attention"] = "mean"
    """How the photos of a case become one vector. Their tokens are laid end to end either way."""
    loss: Slot = {"name": "class_balanced_focal"}
    training: TrainingConfig = TrainingConfig()
    seed: int = Field(default=0, ge=0)
    features: str = "runs/features"
    """Folder in which outputs of frozen encoders are kept between runs."""

    @field_validator("encoders")
    @classmethod
    def _some_encoder(cls, value: dict[str, Slot]) -> dict[str, Slot]:
        if not value:
            raise ValueError("name one encoder at least: of photos (image), text or metadata")
        return value

    @model_validator(mode="after")
    def _slots_have_names(self) -> Self:
        slots = {"data.source": self.data.source, "fusion": self.fusion, "loss": self.loss}
        slots |= {f"encoders.{modality}": slot for modality, slot in self.encoders.items()}
        nameless = [path for path, slot in slots.items() if not isinstance(slot.get("name"), str)]
        if nameless:
            raise ValueError(f"{nameless[0]} needs a name, such as {{name: …}}")
        return self

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """An experiment from a YAML 1.2 file and `dotted.key=value` overrides, values written as in YAML.

    Raises:
        ConfigError: no such file, no YAML, a doubled key, or what does not fit: every fault with its dotted path.
    """
    return parse_experiment(read_overridden(path, overrides), where=str(path))


def parse_experiment(raw: Mapping[str, Any], *, where: str = "experiment") -> Experiment:
    """An experiment from plain values.

    Raises:
        ConfigError: every fault with its dotted path.
    """
    return validated(Experiment, raw, where=where)


def validated(model: type[Model], raw: Mapping[str, Any], *, where: str) -> Model:
    """A model from plain values.

    Raises:
        ConfigError: every fault with its dotted path.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(_fault(fault, _all_keys(model)) for fault in error.errors())
        raise ConfigError(f"{where}: {faults}") from None


def read_overridden(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The values of a YAML file with `dotted.key=value` overrides in place.

    Raises:
        ConfigError: no such file, no YAML, an override that can't be read.
    """
    raw = read_yaml(path)
    for override in overrides:
        _apply(raw, override)
    return raw


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML 1.2 mapping: `1e-3` is a number, `no` is text, a doubled key is refused.

    Raises:
        ConfigError: no such file, or not such a mapping.
    """
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"no such file: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {_one_line(error)}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold a mapping of names to values, however it holds: {content!r}")
    return content


def write_yaml(content: Mapping[str, Any]) -> str:
    buffer = io.StringIO()
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.dump(dict(content), buffer)
    return buffer.getvalue()


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"an override is written key=value, such as training.epochs=5, however: {override!r}")
    try:
        value = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ConfigError(f"{override!r}: the value is not valid YAML: {_one_line(error)}") from None
    *path, last = key.split(".")
    place = raw
    for step in path:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{override!r}: {step} holds a single value and has no {last}")
    place[last] = value


def _fault(fault: Any, known: Sequence[str]) -> str:
    path = ".".join(str(step) for step in fault["loc"])
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        return f"{path} does not exist" + (f" (did you mean {near[0]}?)" if near else "")
    if fault["type"] == "missing":
        return f"{path} is missing"
    got = "" if isinstance(fault["input"], dict) else f", however: {fault['input']!r}"
    return f"{path}: {fault['msg'].removeprefix('Value error, ')}{got}".removeprefix(": ")


def _all_keys(model: type[BaseModel]) -> list[str]:
    """Names of the fields of a model and of the models inside it."""
    annotations = [field.annotation for field in model.model_fields.values()]
    inner = [part for annotation in annotations for part in (annotation, *get_args(annotation))]
    models = [part for part in inner if isinstance(part, type) and issubclass(part, BaseModel)]
    return [*model.model_fields, *(key for part in models for key in _all_keys(part))]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split("To suppress this check")[0].split())
