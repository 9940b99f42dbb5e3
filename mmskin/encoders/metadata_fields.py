"""Fields of a history as numbers: what both metadata encoders read, and the statistics they learn.

Every field has rows in one table: the first for *not recorded*, then one for a recorded number, or one for each
admissible choice. A case picks one row a field; for a recorded number the row is multiplied by its standard score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmskin.errors import ConfigError, DataError, ModelError, one_of
from mmskin.schema import UNKNOWN, YES_NO, Field, History, Schema

NOT_RECORDED = 0


@dataclass(frozen=True)
class PrepareFields:
    """History → {"codes": (F,) int64, "values": (F,) float32}, fields in the schema's order.

    codes: 0 where nothing is recorded, 1 for a recorded number, 1 + index of the choice ("unknown" is the last).
    values: the number as recorded (duration in days), 0 elsewhere.
    """

    fields: tuple[Field, ...]

    def __call__(self, history: History) -> dict[str, Tensor]:
        """Fields that the schema does not declare are not read.

        Raises:
            DataError: a value that its field does not admit.
        """
        recorded = history.recorded()
        pairs = [(NOT_RECORDED, 0.0) if f.name not in recorded else _code(f, recorded[f.name]) for f in self.fields]
        return {
            "codes": torch.tensor([code for code, _ in pairs], dtype=torch.int64),
            "values": torch.tensor([value for _, value in pairs], dtype=torch.float32),
        }


class FieldRows(nn.Module):
    """Inputs of `PrepareFields` → which row of the table each field takes, and how much of it.

    A duration counts as log(1 + days). Until `fit`, a field's declared range stands in for its statistics, as if values
    were uniform in it. Statistics are buffers too, so that a state dict alone is enough to answer.

    Args:
        schema: the declaration; its fields in order.
        standardize: False leaves numbers as recorded.

    Raises:
        ConfigError: a schema without fields.
    """

    mean: Tensor
    scale: Tensor
    first_row: Tensor
    is_number: Tensor
    is_duration: Tensor

    def __init__(self, schema: Schema, *, standardize: bool = True) -> None:
        super().__init__()
        if not schema.fields:
            raise ConfigError(f"{schema.name} declares no fields, and a metadata encoder has nothing to read")
        self.fields = schema.fields
        self.standardize = standardize
        self.row_names = [f"{f.name}={name}" for f in schema.fields for name in ("not recorded", *_row_names(f))]
        sizes = torch.tensor([1 + len(_row_names(f)) for f in schema.fields])
        self.register_buffer("first_row", sizes.cumsum(0) - sizes, persistent=False)
        self.register_buffer("is_number", torch.tensor([f.is_number for f in schema.fields]), persistent=False)
        self.register_buffer(
            "is_duration", torch.tensor([f.kind == "duration" for f in schema.fields]), persistent=False
        )
        ranges = [_declared(f) for f in schema.fields]
        self.register_buffer("mean", torch.tensor([mean for mean, _ in ranges]))
        self.register_buffer("scale", torch.tensor([scale for _, scale in ranges]))

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """(B, F) int64 rows, and (B, F) factors: the score of a recorded number, 1 for everything else."""
        codes, values = inputs["codes"], inputs["values"]
        values = torch.where(self.is_duration, values.clamp_min(0).log1p(), values)
        scores = (values - self.mean) / self.scale if self.standardize else inputs["values"]
        numbers = self.is_number & (codes != NOT_RECORDED)
        return self.first_row + codes, torch.where(numbers, scores, torch.ones_like(scores))

    def fit(self, histories: Sequence[History]) -> Tensor:
        """Learn mean and standard deviation of every number from training histories.

        A field that is never recorded keeps its declared range, a constant one has scale 1.

        Returns:
            (rows,) bool, which rows of the table occur in training.
        """
        prepare = PrepareFields(self.fields)
        prepared = [prepare(history) for history in histories]
        if not prepared:
            raise DataError("a metadata encoder cannot be fitted on no histories")
        codes = torch.stack([inputs["codes"] for inputs in prepared])
        values = torch.stack([inputs["values"] for inputs in prepared]).double()
        for index, declared in enumerate(self.fields):
            column = values[codes[:, index] != NOT_RECORDED, index]
            if declared.is_number and len(column):
                column = column.clamp_min(0).log1p() if declared.kind == "duration" else column
                deviation = float(column.std(correction=0))
                self.mean[index] = float(column.mean())
                self.scale[index] = deviation if deviation > 1e-6 else 1.0
        seen = torch.zeros(len(self.row_names), dtype=torch.bool)
        seen[(self.first_row.cpu() + codes).flatten()] = True
        return seen

    def state_json(self) -> dict[str, Any]:
        """{"mean": {field: …}, "scale": {field: …}} of the numbers; of durations, in log(1 + days)."""
        numbers = [(index, f.name) for index, f in enumerate(self.fields) if f.is_number]
        return {
            "mean": {name: float(self.mean[index]) for index, name in numbers},
            "scale": {name: float(self.scale[index]) for index, name in numbers},
        }

    def load_state_json(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_json` gave.

        Raises:
            ModelError: it is of other fields.
        """
        names = {f.name for f in self.fields if f.is_number}
        if set(state["mean"]) != names or set(state["scale"]) != names:
            raise ModelError(
                f"metadata statistics are of the fields {sorted(state['mean'])}, however the schema has {sorted(names)}"
            )
        for index, declared in enumerate(self.fields):
            if declared.is_number:
                self.mean[index] = state["mean"][declared.name]
                self.scale[index] = state["scale"][declared.name]


def _choices(declared: Field) -> tuple[str, ...]:
    return YES_NO if declared.kind == "yes_no" else (*declared.choices, UNKNOWN)


def _row_names(declared: Field) -> tuple[str, ...]:
    """Rows of a field after *not recorded*."""
    return ("recorded",) if declared.is_number else _choices(declared)


def _code(declared: Field, value: float | str) -> tuple[int, float]:
    if declared.is_number:
        if isinstance(value, str) or not math.isfinite(value):
            raise DataError(f"{declared.name}={value!r} must be a finite number, or None if it was not recorded")
        return 1, float(value)
    choices = _choices(declared)
    if value not in choices:
        raise DataError(one_of(f"{declared.name} value", value, choices))
    return 1 + choices.index(str(value)), 0.0


def _declared(declared: Field) -> tuple[float, float]:
    """Mean and standard deviation of a uniform value in the declared range; 0 and 1 without a range."""
    if declared.low is None or declared.high is None or declared.high <= declared.low:
        return 0.0, 1.0
    low, high = declared.low, declared.high
    if declared.kind == "duration":
        low, high = math.log1p(max(low, 0.0)), math.log1p(high)
    return (low + high) / 2, (high - low) / math.sqrt(12)
