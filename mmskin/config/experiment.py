"""An experiment, as validated models. A YAML file is read into `Experiment`; every fault is told with its path.

An open slot (source, encoder, fusion, loss) is {name: …, option: value, …}: the name is looked up by `build.build`,
the options are the constructor's arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from mmskin.config.augmentation import augmentation_options
from mmskin.config.optimisers import OPTIMIZERS
from mmskin.config.schedules import SCHEDULES
from mmskin.config.strict import Strict
from mmskin.config.validation import does_not_exist, fault_line, faults_of, validated
from mmskin.config.yaml_files import read_overridden
from mmskin.errors import ConfigError, one_of

Slot = dict[str, Any]
ModalityName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""`text`, `metadata`, or a kind of photo as the data set names it."""


def _at_home(value: Any) -> Any:
    """~ is the home folder everywhere: no shell expands it inside key=value."""
    return str(Path(value).expanduser()) if isinstance(value, str) and value.startswith("~") else value


Place = Annotated[str, BeforeValidator(_at_home)]
"""A file or folder, as it is written."""


def _by_modality(value: Any) -> Any:
    """Options without a modality are those of all; null is none, as of `experts`."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or any(isinstance(of, Mapping | BaseModel) for of in value.values()):
        return value
    return {"all": value} if value else {}


class DataConfig(Strict):
    """Which cases, and which part of them does what."""

    source: Slot
    """The data set by name, such as {name: pad_ufes_20}, with its options; csv for a table of your own."""
    root: Place
    """Folder of the data set. A relative path counts from where the command is run."""
    folds: int | Place = 5
    """Number of patient-disjoint folds to make, a CSV file with a fold for every case, or "official": the split that
    the data set comes with."""
    fold_seed: int = 42
    """Of the folds that are made; with another seed other patients fall into each."""
    fold_method: Literal["stratified", "hash"] = "stratified"
    """How folds are made: classes spread evenly, or every patient by a hash of the id, so that nobody moves when cases
    are added or two patients turn out to be one; a rare class may then be thin in a fold."""
    test_folds: Literal["all"] | list[int] = "all"
    """Fold k is tested, fold k+1 validates, the rest trains. Of an official split "all" is its test part."""
    fields: list[str] | None = None
    """Fields of the history to use; all that the source declares if null."""
    without: list[str] = Field(default=[])
    """Fields to leave out, for ablations."""
    where: dict[str, list[str | float | bool | None]] = Field(default={})
    """Rows that stay, by the values of columns: {site: [face, nose]}; null is a cell that holds nothing."""
    classes: dict[str, list[str]] | None = None
    """By class, the classes of the source that it is made of; cases of others are left out and counted. All classes as
    they are if null."""
    missingness: Literal["visible", "always_recorded", "equalized"] = "always_recorded"
    """What a model may learn from fields that are empty: nothing, unless `visible` is asked for by name."""
    conflicts: Literal["keep", "drop", "error"] = "keep"
    """What to do with photos that are the same bytes under different labels."""
    equal_photos: Literal["bytes", "pixels"] = "bytes"
    """What makes two photos one, kept in one part of a split. Pixels see through new headers and endings, and every
    photo of a size that another has is decoded for it."""
    copies: Place | None = None
    """A CSV file with columns first and second: cases that show one photo, kept together like equal photos. An audit
    writes copies.csv; take the rows out that are no copies."""
    absent_photos: float = Field(default=0.02, ge=0, le=1)
    """Share of the photos named in the table that may be absent where an arm reads photos; above it nothing is
    trained."""
    unreadable_photos: Literal["error", "skip"] = "error"
    """What to do where a photo is there and cannot be decoded: stop before anything is trained, or leave it out, tell
    it, and count it among the absent ones. Every photo is decoded once for it."""
    photo_side: int = Field(default=256, ge=32)
    """Photos are shrunk to this longest side when read, before augmentation; pixels."""


class TrainingConfig(Strict):
    """The recipe. Epochs are fixed and the last one counts, so validation rows stay clean for calibration."""

    epochs: int = Field(default=20, ge=1)
    """How often the training cases are gone through."""
    batch_size: int = Field(default=32, ge=2)
    """Cases in a batch; of an epoch's last batch, if it is not full, nothing is learned."""
    accumulate: int = Field(default=1, ge=1)
    """Batches whose mean gradient makes one step of the optimiser; the last batches of an epoch make a step of fewer,
    by so much the smaller. Schedule and warm-up count steps, not batches."""
    optimizer: Slot = Field(default={"name": "adamw", **OPTIMIZERS["adamw"]().model_dump(mode="json")})
    """By name, or with options, such as {name: sgd, momentum: 0.8}: adamw, adam, nadam, radam, rmsprop, sgd. Weight
    decay is added to the gradient by all but adamw, as in torch."""
    schedule: Slot = Field(default={"name": "cosine"})
    """Of the learning rate after its warm-up: cosine, linear (both down to 0), constant, or step, such as {name: step,
    every: 10, factor: 0.1}: by a factor after every so many epochs."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """For everything that starts from nothing: fusion, head, encoders without learned weights."""
    encoder_learning_rate: float = Field(default=1e-4, gt=0)
    """For the trainable part of pretrained encoders."""
    weight_decay: float = Field(default=0.05, ge=0)
    """Of matrices; vectors (biases, norms) are not decayed."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps with linearly rising learning rate, before the schedule."""
    clip_norm: float = Field(default=1.0, gt=0)
    """Length to which the gradient of a step is shortened if it is longer."""
    branch_weight: float = Field(default=1.0, gt=0)
    """Weight of the mean branch loss beside the fused one, for fusions with branches."""
    views: int = Field(default=1, ge=1)
    """K augmented views per case: epoch e reads view e mod K, and view 0 is the plain one."""
    augment: dict[str, Any] | None = None
    """Of the photos: none, light, strong (`mmskin.config.augmentation`), or options; {} for their defaults."""
    vary_notes: bool = True
    """Views after the first tell the note in varied order and words."""
    field_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Chance that a recorded field is hidden in a view after the first."""
    history_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Chance that a case is shown without its history: note and columns alike."""
    image_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Chance that a case with a history is shown without its photo."""
    members: int = Field(default=1, ge=1)
    """How many times a model is trained, each time with a seed of its own for weights, order, views and dropout; the
    members answer as one, by the mean of their probabilities."""
    snapshots: int = Field(default=1, ge=1)
    """In how many cosine cycles of equal length a model is trained; as it is at the end of each it is a member of an
    ensemble (Huang et al., *Snapshot ensembles*, ICLR 2017)."""
    test_views: int = Field(default=1, ge=1)
    """An answer is the mean over so many views of the photos, as they are and augmented; notes are read as they are."""
    sampler: Literal["shuffle", "class_balanced"] = "shuffle"
    """Every case once an epoch, or as many draws, each class with the same chance."""
    allow_double_balancing: bool = False
    """Must be true to use a class-balanced sampler and a class-weighted loss together."""
    validate_epochs: bool = True
    """Whether the validation log-loss is logged after every epoch. The last epoch counts either way."""
    early_stopping: int | None = Field(default=None, ge=1)
    """Epochs without a better validation log-loss before training ends; null for the fixed number of epochs."""
    keep: Literal["last", "lowest_log_loss", "best_balanced_accuracy"] = "last"
    """After which epoch the model is kept: the last, or the best on validation rows, which then choose the model and
    calibrate it too."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the computation; weights are kept in fp32 either way."""
    channels_last: bool = True
    """Whether encoders that learn keep colours innermost in memory: faster for most CNNs, other last digits."""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """On what models are trained; auto takes a GPU where there is one. Outputs of frozen encoders are computed on the
    processor."""
    devices: int = Field(default=1, ge=1)
    """A model is trained on one device; several are used by training arms and folds side by side."""
    workers: int = Field(default=0, ge=0)
    """Processes that read photos while the model learns; 0: the training's own."""
    threads: int | None = Field(default=None, ge=1)
    """Torch threads; all cores if null. Results are bit-equal only for equal numbers of threads."""
    logger: Literal["csv", "tensorboard"] = "csv"
    """What writes the course of the training into the folder `log`; tensorboard needs mmskin[track]."""
    checkpoint: bool = True
    """Whether a fold that was stopped goes on from its last epoch; if not it begins again."""
    save_model: bool = True
    """Whether the trained model of every fold is kept."""

    @field_validator(
        "augment", mode="before", json_schema_input_type=Literal["none", "light", "strong"] | dict[str, Any] | None
    )
    @classmethod
    def _by_a_word(cls, value: object) -> object:
        return augmentation_options(value)

    @field_validator("optimizer", mode="before")
    @classmethod
    def _with_its_options(cls, value: object) -> Slot:
        return _whole_slot("optimizer", OPTIMIZERS, value)

    @field_validator("schedule", mode="before")
    @classmethod
    def _with_options_of_its_own(cls, value: object) -> Slot:
        return _whole_slot("schedule", SCHEDULES, value)

    @field_validator("devices")
    @classmethod
    def _one_device(cls, value: int) -> int:
        if value > 1:
            raise ValueError(
                "a model is trained on one device; to use several, train arms and folds side by side: --executor ray "
                "on machines of one GPU each, or a run for each GPU with CUDA_VISIBLE_DEVICES and its own "
                "data.test_folds"
            )
        return value

    @model_validator(mode="after")
    def _has_views_to_vary(self) -> Self:
        varied = [name for name in ("augment", "field_dropout") if getattr(self, name) not in (None, 0)]
        if self.test_views > 1 and self.augment is None:
            raise ValueError("test_views are augmented views of the photo: set augment, such as augment: light")
        if varied and self.views == 1 and (self.test_views == 1 or varied != ["augment"]):
            raise ValueError(f"{varied[0]} varies the views after the first, the plain one: set views to 2 or more")
        return self

    @model_validator(mode="after")
    def _has_cycles_of_whole_epochs(self) -> Self:
        if self.snapshots > 1 and self.members > 1:
            raise ValueError("members and snapshots are two ways to an ensemble: set one of them to 1")
        if self.epochs % self.snapshots:
            raise ValueError(
                f"snapshots must divide epochs into cycles of equal length, however: epochs={self.epochs}, "
                f"snapshots={self.snapshots}"
            )
        if self.snapshots > 1 and (self.early_stopping or self.keep != "last"):
            raise ValueError("snapshots are taken at the end of every cycle: leave out early_stopping and keep")
        if self.snapshots > 1 and self.schedule["name"] != "cosine":
            raise ValueError(
                "snapshots are taken at the end of cosine cycles: set schedule to cosine, or snapshots to 1, however: "
                f"schedule={self.schedule['name']}, snapshots={self.snapshots}"
            )
        return self

    @model_validator(mode="after")
    def _has_something_to_stop_by(self) -> Self:
        watching = "early_stopping" if self.early_stopping else "keep" if self.keep != "last" else ""
        if watching and not self.validate_epochs:
            raise ValueError(f"{watching} watches validation rows after every epoch: set validate_epochs to true")
        return self


class ExpertsConfig(Strict):
    """Experts of one modality each, which the fusion corrects through a gate that starts closed."""

    hidden_dim: int | None = Field(default=None, ge=1)
    """Width of a hidden layer in each expert; null for linear ones."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """On each expert's input and hidden layer."""
    weights: Literal["training", "fixed", "validation"] = "training"
    """Of the experts: learned with everything else, left at 1, or found on validation rows after training."""
    gate: Literal["all", "class"] = "all"
    """One gate for all classes, or one a class."""


class ReduceConfig(Strict):
    """How the features of an encoder are made narrow before the fusion sees them."""

    method: Literal["linear", "pca"] = "linear"
    """A projection that is learned, or the principal components of the training rows, of a frozen encoder alone."""
    dim: int = Field(default=48, ge=2)
    """Width that the fusion sees."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    """On the narrow vectors."""


Reduce = Annotated[
    dict[ModalityName, ReduceConfig],
    BeforeValidator(_by_modality, json_schema_input_type=dict[ModalityName, ReduceConfig] | ReduceConfig | None),
]
"""By modality; under `all`, or as options without a modality: of every one whose encoder is wider than `dim`."""


class Experiment(Strict):
    """Everything that `mmskin train` needs to know."""

    name: str
    """Of the experiment, shown by its report; the arm's name too."""
    data: DataConfig
    """Where the cases lie, and which part of them does what."""
    encoders: dict[ModalityName, Slot]
    """By modality (image or a kind of photo, text, metadata), what makes features of it."""
    fusion: Slot
    """What joins the features of the modalities, by name, such as {name: cross_attention}, with its options."""
    experts: ExpertsConfig | None = None
    """What the fusion corrects, {} for the defaults; null for a fusion that answers by itself."""
    reduce: Reduce = Field(default={})
    """How features are made narrow between encoders and fusion, such as {image: {method: pca, dim: 32}}; null: not."""
    photo_pooling: Literal["mean", "attention"] = "mean"
    """How the photos of a case become one vector. Their tokens are laid end to end either way."""
    loss: Slot = Field(default={"name": "class_balanced_focal"})
    """By name, with its options."""
    training: TrainingConfig = TrainingConfig()
    """The recipe."""
    seed: int = Field(default=0, ge=0)
    """Of weights, order of cases, views and dropout."""
    example_cases: int = Field(default=0, ge=0)
    """Test cases that it has right and wrong, this many of each of four kinds, shown in the report with their photos
    and histories: of real patients only where the report may be kept like the data. 0: none."""
    test: bool = True
    """False: test rows are not touched, and validation rows are reported; for whoever chooses a recipe."""
    features: Place = "runs/features"
    """Folder in which outputs of frozen encoders are kept between runs; it may be deleted at any time."""
    features_limit: float = Field(default=20, gt=0)
    """Gigabytes in that folder above which no run begins to add more."""

    @field_validator("encoders")
    @classmethod
    def _some_encoder(cls, value: dict[str, Slot]) -> dict[str, Slot]:
        if not value:
            raise ValueError("name one encoder at least: of photos (image), text or metadata")
        return value

    @model_validator(mode="after")
    def _reduces_what_it_reads(self) -> Self:
        unknown = [modality for modality in self.reduce if modality not in {*self.encoders, "all"}]
        if unknown:
            raise ValueError(f"reduce.{unknown[0]}: there is no encoder of {unknown[0]}; leave it out")
        return self

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


class _DataAlone(Strict):
    data: DataConfig


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """An experiment from a YAML 1.2 file and `dotted.key=value` overrides, values written as in YAML.

    Raises:
        ConfigError: no such file, no YAML, a doubled key, or what does not fit: every fault with its dotted path.
    """
    raw = read_overridden(path, overrides)
    if "arms" in raw:
        raise ConfigError(f"{path} is a benchmark, for it has arms: mmskin benchmark {path} --output …")
    return parse_experiment(raw, where=str(path))


def read_data(path: Path, overrides: Sequence[str] = (), *, beside: Sequence[type[BaseModel]]) -> DataConfig:
    """The data section of a YAML file, whatever else stands in it; other parts may be missing, and are not read.

    Args:
        path: an experiment, a benchmark, or a file with `data` alone.
        overrides: as of `read_experiment`.
        beside: the models whose keys may stand beside `data`.

    Raises:
        ConfigError: every fault of the data section, and every key that none of the models has.
    """
    raw = read_overridden(path, overrides)
    known = ["data", *(key for model in beside for key in model.model_fields)]
    faults = [does_not_exist(key, known) for key in raw if key not in known]
    try:
        section = _DataAlone.model_validate({key: value for key, value in raw.items() if key == "data"})
    except ValidationError as error:
        faults += [fault_line(_DataAlone, fault) for fault in error.errors()]
    if faults:
        raise ConfigError(f"{path}: {'; '.join(faults)}")
    return section.data


def parse_experiment(raw: Mapping[str, Any], *, where: str = "experiment") -> Experiment:
    """An experiment from plain values.

    Raises:
        ConfigError: every fault with its dotted path.
    """
    return validated(Experiment, raw, where=where)


def _whole_slot(what: str, table: Mapping[str, type[Strict]], given: object) -> Slot:
    """A name, or a name with options, as the slot with all of its options, so that a record holds the numbers.

    Raises:
        ValueError: no such name, or options that it does not have.
    """
    slot = {"name": given} if isinstance(given, str) else given
    if not isinstance(slot, Mapping) or not isinstance(slot.get("name"), str):
        raise ValueError(f"{what} is a name, or {{name: …}} with options; names are {', '.join(table)}")
    name = slot["name"]
    if name not in table:
        raise ValueError(one_of(what, name, table))
    options = {key: value for key, value in slot.items() if key != "name"}
    faults = faults_of(table[name], options, name)
    if faults:
        raise ValueError("; ".join(faults))
    return {"name": name, **table[name].model_validate(options).model_dump(mode="json")}
