"""Several models that answer as one: the mean of their probabilities.

Source: Dietterich, *Ensemble methods in machine learning*, 2000; of networks that differ by their seeds alone,
Lakshminarayanan et al., *Simple and scalable predictive uncertainty estimation using deep ensembles*, NeurIPS 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from torch import Tensor

from mmskin.encoders.encoder_contract import Encoder
from mmskin.errors import ModelError
from mmskin.evaluation.metrics import Floats
from mmskin.schema import Schema
from mmskin.trained.calibration import at_temperature, log_of
from mmskin.trained.trained_model import Answer, TrainedModel


@dataclass(frozen=True)
class Ensemble:
    """Models that were trained for the same question; it is asked and told about as a `TrainedModel` is.

    An answer is the mean of the members' calibrated probabilities, (Σ p_m) / M, at the ensemble's own temperature.

    members: two or more, each a model or an ensemble itself.
    temperature: of the mean.
    record: how it was made, in plain values, as of a `TrainedModel`.
    remarks: what a reader of every answer should know.

    Raises:
        ModelError: fewer than two members, or members that do not read the same cases alike.
    """

    members: tuple[Trained, ...]
    temperature: float = 1.0
    record: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.members) < 2:
            raise ModelError(f"an ensemble needs 2 or more models, however: {len(self.members)}")
        if not 0 < self.temperature < math.inf:
            raise ModelError(f"temperature must be a finite number above 0, however: {self.temperature}")
        first = self.members[0]
        for number, member in enumerate(self.members[1:], start=1):
            differing = difference(first, member)
            if differing:
                raise ModelError(f"these models cannot answer together, for models 0 and {number} {differing}")

    @property
    def schema(self) -> Schema:
        return self.members[0].schema

    @property
    def modalities(self) -> tuple[str, ...]:
        return self.members[0].modalities

    @property
    def photo_side(self) -> int:
        return self.members[0].photo_side

    @property
    def encoders(self) -> Mapping[str, Encoder]:
        """Those of the first model: they read photos and notes as all others do."""
        return self.members[0].encoders

    @property
    def models(self) -> tuple[TrainedModel, ...]:
        """Every single model, those of members that are ensembles among them."""
        return tuple(model for member in self.members for model in member.models)

    def answered(self, ask: Callable[[TrainedModel], Answer]) -> Answer:
        """(N, C) calibrated probabilities of the ensemble, from those of its models; NaN where one of them has it.

        Args:
            ask: a single model → its calibrated probabilities (N, C); of a tensor it can be differentiated.
        """
        mean = self._mean(ask)
        if self.temperature == 1:
            return mean
        logs = mean.log() if isinstance(mean, Tensor) else log_of(mean)
        return at_temperature(logs, self.temperature)

    def probabilities(self, rows: pd.DataFrame) -> Floats:
        """(N, C) calibrated probabilities of rows of the table of cases, as of a `TrainedModel`."""
        return self.answered(lambda model: model.probabilities(rows))

    def log_probabilities(self, rows: pd.DataFrame) -> Floats:
        """(N, C) log of the mean before the ensemble's temperature, what that is fitted to; NaN likewise."""
        return log_of(self._mean(lambda model: model.probabilities(rows)))

    def _mean(self, ask: Callable[[TrainedModel], Answer]) -> Answer:
        """In the order of the members, so that it is the same bit for bit every time."""
        total = self.members[0].answered(ask)
        for member in self.members[1:]:
            total = total + member.answered(ask)
        mean: Answer = total / len(self.members)
        return mean


Trained = TrainedModel | Ensemble
"""What answers: one model, or several as one."""


def difference(one: Trained, other: Trained) -> str:
    """In what two models read or answer differently, in words; "" where they do not."""
    here, there = one.schema, other.schema
    if here.classes != there.classes:
        return f"have other classes: {', '.join(here.classes)} and {', '.join(there.classes)}"
    if one.modalities != other.modalities:
        return f"read other parts of a case: {', '.join(one.modalities)} and {', '.join(other.modalities)}"
    apart = sorted(set(here.field_names) ^ set(there.field_names))
    if apart:
        return f"read other fields: {', '.join(apart)} only one of them (missingness: always_recorded may do that)"
    if here != there:
        return "declare a field, a class or the photos differently: they were trained on other tables"
    if one.photo_side != other.photo_side:
        return f"read photos at other sizes: {one.photo_side} and {other.photo_side} pixels"
    return ""
