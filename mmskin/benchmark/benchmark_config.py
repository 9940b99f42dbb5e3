"""A benchmark, as validated models: one recipe, many arms, and what is asked of them, named before the run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mmskin.benchmark.search.search_config import SearchConfig
from mmskin.config.experiment import (
    DataConfig,
    Experiment,
    ExpertsConfig,
    ModalityName,
    Place,
    Reduce,
    Slot,
    TrainingConfig,
)
from mmskin.config.strict import Strict
from mmskin.config.validation import validated
from mmskin.config.yaml_files import read_overridden
from mmskin.data.missingness import Missingness
from mmskin.errors import ConfigError, first_of, one_of
from mmskin.evaluation.metrics import RANKING
from mmskin.inputs.corruptions import CORRUPTIONS, SEVERITIES, Corruption

OF_A_CELL = {"threads": 1, "save_model": False, "checkpoint": False, "validate_epochs": False}
"""What the recipe of a benchmark is unless it says otherwise: many short trainings, of which no model is kept."""
READS_ARMS = ("stacking", "averaging", "product_of_answers")
"""Table arms that read what the arms listed in `over` have answered."""
DRAWS = ("realmlp", "tabm")
"""Table arms that draw at random, and are fitted once a seed."""
FROM = "from"
ARM_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
ARM_NAME_UNFIT = re.compile(r"[^A-Za-z0-9_.-]|^[.-]")


class Primary(Strict):
    """The question that the benchmark answers; everything else in its report is exploratory."""

    arm: str
    """Whose answers the question is about."""
    metric: str = Field(default="balanced_accuracy", json_schema_extra={"enum": [*RANKING]})
    """By which the two are compared."""
    reference: str
    """The arm that it is compared with."""

    @field_validator("metric")
    @classmethod
    def _orders_arms(cls, value: str) -> str:
        if value not in RANKING:
            raise ValueError(one_of("a metric that puts arms in order", value, RANKING))
        return value


class Arm(Strict):
    """One thing that is compared: a fusion of encoders, or a table arm (`benchmark.baselines`)."""

    fusion: Slot | None = None
    """With the shared encoders of the modalities that it uses."""
    experts: ExpertsConfig | None = None
    """In place of the shared ones, as `experts` of an experiment; null for none."""
    reduce: Reduce = Field(default={})
    """In place of the shared ones, as `reduce` of an experiment; null for none."""
    table: Slot | None = None
    """A table arm in place of a fusion, such as {name: logistic_regression}."""
    loss: Slot | None = None
    """In place of the shared one."""
    training: dict[str, Any] = Field(default={})
    """What differs from the shared recipe, such as {epochs: 16}."""
    encoders: dict[ModalityName, Slot] = Field(default={})
    """Beside the shared ones or in their place, such as the metadata encoder of an arm that reads columns.
    {from: image_only} is the encoder that another arm, which is no ensemble, has trained on the same fold, read
    frozen."""
    modalities: list[ModalityName] | None = None
    """That the arm may read; all that have an encoder if left out. An arm may name its kinds of photos."""
    seeds: list[int] | None = None
    """With which it is trained, some of the shared ones; all if left out."""
    missingness: Missingness | None = None
    """In place of that of the data, so that the three modes stand side by side."""
    shuffle_histories: bool = False
    """A control: every case is given the history of another patient, within training, validation and test rows apart.
    What such an arm gains over the photo alone is no history. It is run with the first seed."""
    search: SearchConfig | None = None
    """Its recipe is searched inside the training part of every fold; {} as the benchmark says."""

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if (self.fusion is None) == (self.table is None):
            raise ValueError("an arm has either a fusion or a table, such as {fusion: {name: late}}")
        if self.table is not None and (self.loss is not None or self.training or self.experts or self.reduce):
            raise ValueError("a table arm has no loss, no training, no experts and no reduce")
        slots = {"fusion": self.fusion, "table": self.table, "loss": self.loss}
        slots |= {f"encoders.{modality}": slot for modality, slot in self.encoders.items() if FROM not in slot}
        _refuse_nameless(slots)
        return self

    def experts_beside(self, shared: ExpertsConfig | None) -> ExpertsConfig | None:
        """Its own where it says something of them, null too; else the shared ones."""
        return self.experts if "experts" in self.model_fields_set else shared

    @property
    def sources(self) -> dict[str, str]:
        """By modality, the arm whose trained encoder this one reads."""
        return {modality: slot[FROM] for modality, slot in self.encoders.items() if FROM in slot}

    @property
    def stacked(self) -> list[str]:
        """The arms whose answers this one reads; [] unless it stacks or averages."""
        if self.table is None or self.table["name"] not in READS_ARMS:
            return []
        over = self.table.get("over", [])
        return list(over) if isinstance(over, list) else [over]

    @property
    def reads_all_seeds(self) -> bool:
        """Whether it reads the answers of other arms with all their seeds at once."""
        return bool(self.stacked) and (self.table or {}).get("seeds") == "all"


class MissingParts(Strict):
    """How much is hidden of the test cases, to see what every arm loses: see `mmskin.data.missing_parts`."""

    rates: list[float] = Field(default=[0.1, 0.3, 0.5, 0.7, 0.9], min_length=1)
    """Shares of the fields that are hidden, each drawn once. Every rate costs new notes for the text encoder."""

    @field_validator("rates")
    @classmethod
    def _rise(cls, value: list[float]) -> list[float]:
        if value != sorted(set(value)) or not (value[0] > 0 and value[-1] < 1):
            raise ValueError(f"rates must rise between 0 and 1, such as [0.1, 0.5, 0.9], however: {value}")
        return value


class Robustness(Strict):
    """Which faults the photos of test cases are given, to see what every arm loses: see `mmskin.inputs.corruptions`."""

    corruptions: Literal["all"] | list[str] = "all"
    """By name, such as [blur, dark, hair]; "all" for every one that there is."""
    severities: list[int] = Field(default=[1, 3, 5], min_length=1)
    """How much of each, rising, from 1 to 5. The table of the report shows the last."""

    @field_validator("corruptions", mode="before")
    @classmethod
    def _exist(cls, value: Any) -> Any:
        if value == "all":
            return value
        names = value if isinstance(value, list) else [value]
        for name in names:
            if not isinstance(name, str) or name not in CORRUPTIONS:
                raise ValueError(one_of("a fault of photos", name, CORRUPTIONS))
        if value is not names or not names or len(set(names)) < len(names):
            raise ValueError(f'faults must be "all" or listed once each, such as [blur, dark], however: {value}')
        return value

    @field_validator("severities")
    @classmethod
    def _rise(cls, value: list[int]) -> list[int]:
        if value != sorted(set(value)) or not set(value) <= set(SEVERITIES):
            raise ValueError(f"severities must rise from 1 to 5, such as [1, 3, 5], however: {value}")
        return value

    @property
    def asked(self) -> tuple[Corruption, ...]:
        """Every fault at every severity."""
        names = CORRUPTIONS if self.corruptions == "all" else self.corruptions
        return tuple(Corruption(name, severity) for name in names for severity in self.severities)


class Benchmark(Strict):
    """Everything that a run needs to know: of `mmskin benchmark`, and of `mmskin train`, which is one of one arm."""

    name: str
    """Of the benchmark, shown by its report."""
    data: DataConfig
    """Where the cases lie, and which part of them does what."""
    seeds: list[int] = Field(default=[0, 1, 2], min_length=1)
    """Every arm that has anything to draw is trained once a seed."""
    primary: Primary | None = None
    """Must be named where there are several arms."""
    encoders: dict[ModalityName, Slot] = Field(default={})
    """Shared by all arms: an arm takes those of the modalities that its fusion uses."""
    experts: ExpertsConfig | None = None
    """What fusions correct, shared by all arms whose fusion joins modalities; null for none."""
    reduce: Reduce = Field(default={})
    """How features are made narrow, of the modalities that an arm reads; {}: not."""
    loss: Slot = Field(default={"name": "class_balanced_focal"})
    """Of all neural arms, by name, with its options."""
    photo_pooling: Literal["mean", "attention"] = "mean"
    """How the photos of a case become one vector. Their tokens are laid end to end either way."""
    training: TrainingConfig = TrainingConfig.model_validate(OF_A_CELL)
    """The same recipe and budget for all neural arms."""
    search: SearchConfig | None = None
    """What arms with a `search` of their own leave out of it."""
    arms: dict[str, Arm] = Field(min_length=1)
    """By name, what is compared."""
    audit: bool = True
    """Whether the data are audited, and the findings told above the results."""
    missing_parts: MissingParts | None = MissingParts()
    """Every fitted arm once more on test cases of which parts are missing; null: not at all."""
    safeguards: bool = True
    """Whether calibration, answer sets and triage of the primary arm are measured on test cases, with each set of parts
    there: one more pass of the photos for each set that has them."""
    robustness: Robustness | None = None
    """Every fitted arm once more on test cases whose photos have faults, such as {corruptions: all, severities:
    [1, 3, 5]}; null: not at all, for every fault and severity is another pass of the photos through the CNN, a frozen
    one too: what is stored of clean photos cannot serve."""
    explanations: int | None = Field(default=15, ge=1)
    """Test cases on which the explanations of the primary arm are measured, in its first cell; null: not at all."""
    example_cases: int = Field(default=0, ge=0)
    """Test cases that the primary arm has right and wrong, this many of each of four kinds, shown in the report with
    their photos and histories: of real patients only where the report may be kept like the data. 0: none."""
    test: bool = True
    """False: test rows are not touched, and validation rows are reported; for whoever chooses a recipe."""
    features: Place = "runs/features"
    """Folder in which outputs of frozen encoders are kept between runs; it may be deleted at any time."""
    features_limit: float = Field(default=20, gt=0)
    """Gigabytes in that folder above which no run begins to add more."""

    @field_validator("training", mode="before")
    @classmethod
    def _of_a_cell(cls, value: Any) -> Any:
        return {**OF_A_CELL, **value} if isinstance(value, Mapping) else value

    @field_validator("seeds")
    @classmethod
    def _different_seeds(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value) or min(value) < 0:
            raise ValueError("seeds must be different whole numbers from 0")
        return value

    @model_validator(mode="after")
    def _slots_have_names(self) -> Self:
        _refuse_nameless({f"encoders.{m}": slot for m, slot in self.encoders.items()} | {"loss": self.loss})
        return self

    @model_validator(mode="after")
    def _reduces_what_some_arm_may_read(self) -> Self:
        encoders = {"all", *self.encoders}.union(*(arm.encoders for arm in self.arms.values()))
        unknown = [modality for modality in self.reduce if modality not in encoders]
        if unknown:
            raise ValueError(f"reduce.{unknown[0]}: there is no encoder of {unknown[0]}; leave it out")
        return self

    @model_validator(mode="after")
    def _names_arms_that_exist(self) -> Self:
        bad = [name for name in self.arms if not ARM_NAME.fullmatch(name)]
        if bad:
            raise ValueError(f"arms.{bad[0]}: an arm is named by letters, digits, . _ and -")
        if len(self.arms) > 1 and self.training.threads != 1:
            raise ValueError("a cell has one thread, so that results are bit-equal however cells are scheduled")
        self._check_primary()
        for name, arm in self.arms.items():
            self._check_arms_read(name, arm)
            self._check_searched(name, arm)
            if not set(arm.seeds or self.seeds) <= set(self.seeds):
                raise ValueError(f"arms.{name}.seeds must be some of {self.seeds}, however: {arm.seeds}")
        return self

    def _check_primary(self) -> None:
        if self.primary is None:
            if len(self.arms) > 1:
                raise ValueError("primary is missing: name arm and reference of the question before the run")
            return
        for place, name in (("primary.arm", self.primary.arm), ("primary.reference", self.primary.reference)):
            if name not in self.arms:
                raise ValueError(one_of(place, name, self.arms))
        if self.primary.arm == self.primary.reference:
            raise ValueError(
                f"primary.reference must be another arm than primary.arm, however both: {self.primary.arm}"
            )

    def _check_arms_read(self, name: str, arm: Arm) -> None:
        """The arms that an arm reads exist, and none reads it in turn."""
        for over in arm.stacked:
            if over not in self.arms:
                raise ValueError(one_of(f"arms.{name}.table.over", over, self.arms))
        stacked = [over for over in arm.stacked if self.arms[over].stacked]
        if stacked:
            raise ValueError(f"arms.{name}.table.over: {first_of(stacked)} reads other arms itself")
        for modality, source in arm.sources.items():
            place = f"arms.{name}.encoders.{modality}.from"
            if source not in self.arms:
                raise ValueError(one_of(place, source, self.arms))
            if self.arms[source].fusion is None or modality in self.arms[source].sources:
                raise ValueError(f"{place}: {source} trains no encoder of {modality}")

    def _check_searched(self, name: str, arm: Arm) -> None:
        """An arm that is searched stands alone: other arms have been trained on rows that its inner folds answer."""
        if arm.search is None:
            return
        if arm.stacked or arm.sources:
            raise ValueError(
                f"arms.{name}.search: an arm that reads {first_of([*arm.stacked, *arm.sources.values()])} "
                "cannot be searched, for that has been trained on the rows which the search answers"
            )
        if arm.shuffle_histories:
            raise ValueError(f"arms.{name}.search: a control with shuffled histories is not searched")
        readers = [other for other, of in self.arms.items() if name in of.sources.values()]
        if readers:
            raise ValueError(
                f"arms.{readers[0]} reads an encoder of {name}, whose recipe is searched: name another arm"
            )

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def _refuse_nameless(slots: Mapping[str, Slot | None]) -> None:
    nameless = [path for path, slot in slots.items() if slot is not None and not isinstance(slot.get("name"), str)]
    if nameless:
        raise ValueError(f"{nameless[0]} needs a name, such as {{name: …}}")


def of_one_arm(experiment: Experiment) -> Benchmark:
    """An experiment as a run of one arm, with nothing asked of it beside its answers."""
    return Benchmark(
        name=experiment.name,
        data=experiment.data,
        seeds=[experiment.seed],
        encoders=dict(experiment.encoders),
        loss=experiment.loss,
        photo_pooling=experiment.photo_pooling,
        training=experiment.training,
        arms={
            ARM_NAME_UNFIT.sub("_", experiment.name): Arm(
                fusion=experiment.fusion, experts=experiment.experts, reduce=experiment.reduce
            )
        },
        audit=False,
        missing_parts=None,
        explanations=None,
        example_cases=experiment.example_cases,
        test=experiment.test,
        features=experiment.features,
        features_limit=experiment.features_limit,
    )


def read_benchmark(path: Path, overrides: Sequence[str] = ()) -> Benchmark:
    """A benchmark from a YAML 1.2 file and `dotted.key=value` overrides.

    Raises:
        ConfigError: no such file, no YAML, a doubled key, or what does not fit: every fault with its dotted path.
    """
    raw = read_overridden(path, overrides)
    if "leaks" in raw:
        raise ConfigError(f"{path} is a study of leaks: mmskin leak-study {path} --output …")
    if "arms" not in raw and "fusion" in raw:
        raise ConfigError(f"{path} is an experiment of one arm: mmskin train {path} --output …")
    return validated(Benchmark, raw, where=str(path))
