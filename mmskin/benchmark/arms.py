"""The arms of a run, each resolved once into a value that knows all it needs: how it is fitted, what it depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pandas as pd

from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.baselines.embeddings import Embed
from mmskin.benchmark.baselines.table_arm_contract import Facts
from mmskin.config.build import build
from mmskin.config.experiment import DataConfig, Experiment, Slot
from mmskin.config.teaching_options import TAUGHT, without_folder
from mmskin.data.load import Fold
from mmskin.data.missingness import as_trained
from mmskin.features import is_photo
from mmskin.trained.ensemble import Trained
from mmskin.trained.saved_model import parts_of
from mmskin.trained.trained_model import Predict
from mmskin.training.fit_fold import fit_fold, members_of
from mmskin.training.readings import Reading

Answers = Callable[[str, pd.DataFrame], pd.DataFrame]
"""(arm, rows) → what that arm answered on the same fold with the same seed."""


class Fitted(NamedTuple):
    """What fitting an arm gives, whatever its kind: its answers; and the model behind them, of a neural arm."""

    predict: Predict
    model: Trained | None = None


@dataclass(frozen=True)
class NeuralArm:
    """A fusion of encoders.

    name: of the arm.
    experiment: the whole of it; its seed is replaced by that of a cell.
    seeds: with which it is trained.
    tokens: modalities of which the fusion reads tokens.
    sources: by modality, the arm whose trained encoder it reads.
    shuffled: whether histories are those of other patients.
    """

    reads_all_seeds: ClassVar[bool] = False
    name: str
    experiment: Experiment
    seeds: tuple[int, ...]
    tokens: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    shuffled: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """Arms that are finished before."""
        return tuple(dict.fromkeys(self.sources.values()))

    @property
    def data(self) -> DataConfig:
        return self.experiment.data

    @property
    def encoders(self) -> Mapping[str, Slot]:
        return self.experiment.encoders

    @property
    def parts(self) -> frozenset[str]:
        """Of photo and history, what it reads."""
        return frozenset(map(part_of, self.encoders))

    def reading(self, seed: int) -> Reading:
        return Reading.of(self.with_seed(seed))

    def readings(self, seed: int) -> list[Reading]:
        """One for each member that is trained in a cell."""
        return [Reading.of(member) for member in members_of(self.with_seed(seed))]

    def with_seed(self, seed: int) -> Experiment:
        return self.experiment.model_copy(update={"seed": seed})

    def with_encoders(self, encoders: Mapping[str, Slot]) -> NeuralArm:
        return replace(self, experiment=self.experiment.model_copy(update={"encoders": dict(encoders)}))

    def fit(self, fold: Fold, *, seed: int, folder: Path, answers: Answers, progress: bool) -> Fitted:
        trained = fit_fold(self.with_seed(seed), fold, folder, progress=progress)
        return Fitted(trained.probabilities, trained)

    def to_json(self) -> dict[str, Any]:
        """All that its answers depend on beside data and versions."""
        made = self.experiment.to_json()
        trained = {m: made["encoders"][m] | {"weights": f"from {source}"} for m, source in self.sources.items()}
        elsewhere = {
            path: table.source_digest(name) for path, (table, name) in parts_of(made).items() if table.origin(name)
        }
        return {
            **({"source of parts": elsewhere} if elsewhere else {}),
            "data": _read_of(self.data),
            "encoders": _without_places(made["encoders"] | trained),
            **{key: made[key] for key in ("fusion", "experts", "reduce", "photo_pooling", "loss", "training")},
            "shuffled": self.shuffled,
        }


@dataclass(frozen=True)
class TableArm:
    """An arm that is no network: see `mmskin.benchmark.baselines`.

    name: of the arm.
    table: its slot.
    data: in its mode of missingness.
    seeds: with which it is fitted; one where it draws nothing.
    encoders: of which it reads frozen embeddings.
    read_as: how; its seed is replaced by that of a cell.
    stacked: arms whose answers it reads.
    shuffled: whether histories are those of other patients.
    sources: by modality, the arm whose trained encoder it reads.
    reads_all_seeds: whether it reads their answers with all seeds at once.
    """

    name: str
    table: Slot
    data: DataConfig
    seeds: tuple[int, ...]
    read_as: Reading
    encoders: Mapping[str, Slot] = field(default_factory=dict)
    stacked: tuple[str, ...] = ()
    shuffled: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)
    reads_all_seeds: bool = False
    tokens: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Arms that are finished before."""
        return tuple(dict.fromkeys((*self.stacked, *self.sources.values())))

    @property
    def parts(self) -> frozenset[str]:
        """Of photo and history, what it reads itself; nothing where it reads other arms, or no case at all."""
        on = self.table["on"] if "on" in self.table else self.table.get("of", ())
        return frozenset(map(part_of, [on] if isinstance(on, str) else on))

    def reading(self, seed: int) -> Reading:
        return self.read_as._replace(seed=seed)

    def readings(self, seed: int) -> list[Reading]:
        return [self.reading(seed)]

    def with_encoders(self, encoders: Mapping[str, Slot]) -> TableArm:
        return replace(self, encoders=encoders)

    def fit(self, fold: Fold, *, seed: int, folder: Path, answers: Answers, progress: bool) -> Fitted:
        """A table arm sees the rows that neural arms see: with the same values hidden at random, if any are."""
        facts = Facts(fold.schema, embed=Embed(self.encoders, fold, self.reading(seed)), answers=answers, seed=seed)
        train = as_trained(fold.split.train, fold.schema, mode=self.data.missingness, seed=seed)
        return Fitted(build("table arm", BASELINES, self.table, facts)(train, fold.split.val))

    def to_json(self) -> dict[str, Any]:
        """All that its answers depend on beside data and versions."""
        return {
            "table": self.table,
            "data": _read_of(self.data),
            "encoders": _without_places(self.encoders)
            | {m: self.encoders[m] | {"weights": f"from {source}"} for m, source in self.sources.items()},
            "shuffled": self.shuffled,
        }


ResolvedArm = NeuralArm | TableArm


def part_of(modality: str) -> str:
    """Photo or history; a table arm says "fields" of its columns."""
    return "photo" if is_photo(modality) and modality != "fields" else "history"


def _read_of(data: DataConfig) -> dict[str, Any]:
    """The data section without where the data lie and which folds are tested: cases and folds are compared as such."""
    return data.model_dump(mode="json", exclude={"root", "folds", "fold_seed", "fold_method", "test_folds"})


def _without_places(encoders: Mapping[str, Slot]) -> dict[str, Slot]:
    """The slots without where a taught encoder lies: its options and its digest say which it is."""
    return {
        m: {**slot, TAUGHT: without_folder(slot[TAUGHT])} if TAUGHT in slot else slot for m, slot in encoders.items()
    }
