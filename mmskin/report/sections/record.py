"""What a finished benchmark knows of itself: all that its methods paragraph and its TRIPOD+AI table are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd

from mmskin.config.experiment import DataConfig, Slot, TrainingConfig
from mmskin.schema import Schema


class PlannedArm(NamedTuple):
    """An arm, as the methods paragraph needs it.

    trains_network: or else fits a table.
    missingness: its mode.
    is_control: its histories are shuffled.
    is_searched: its recipe is searched inside training parts.
    """

    trains_network: bool
    has_own_encoders: bool
    missingness: str
    is_control: bool
    is_searched: bool


class Plan(NamedTuple):
    """What was decided before the first cell ran.

    encoders: shared by all arms. loss: unless an arm has its own. audited: whether the data were.
    """

    arms: Mapping[str, PlannedArm]
    primary: str
    reference: str
    metric: str
    data: DataConfig
    encoders: Mapping[Any, Slot]
    loss: Slot
    training: TrainingConfig
    seeds: Sequence[int]
    audited: bool

    @property
    def controls(self) -> list[str]:
        return [name for name, arm in self.arms.items() if arm.is_control]

    @property
    def searched(self) -> list[str]:
        return [name for name, arm in self.arms.items() if arm.is_searched]


class Record(NamedTuple):
    """Facts, each read from the run's folder or asked of the machine that writes the report.

    folds: case_id, patient_id, fold of every labelled case.
    fold_sum: sha256 of folds.csv.
    tested: numbers of the folds that were tested.
    counts: tested cases by class.
    groups: subgroups that are reported.
    ranked: arms that are finished, without controls.
    cells: of the costs.
    begun, ended: when the folder was made and its last cell was finished, by the clock of its files.
    """

    plan: Plan
    schema: Schema
    folds: pd.DataFrame
    fold_sum: str
    tested: tuple[int, ...]
    counts: Mapping[str, int]
    patients: int
    groups: tuple[str, ...]
    ranked: tuple[str, ...]
    replicates: int
    detectable: float
    cells: Sequence[Mapping[str, Any]]
    begun: datetime
    ended: datetime
    command: str
    source: str
    machine: str
    versions: Mapping[str, str]
