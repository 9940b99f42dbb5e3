"""The declared fields read back from an encoded note, each with its confidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmskin.features import Features
from mmskin.schema import UNKNOWN, Field, FieldValue, History

NOT_RECORDED = 0  # the first output of every field
SPREAD = 10.0
"""Weight of the squared error of a standardised number beside a cross-entropy: chosen so that an error of a third of
the declared range weighs about as much as a wrong choice."""
QUERIES = 2
"""Of each field: a fact stands in two words, "not" and "itches", "sixty" and "seven", "3" and "weeks"."""
NUMBER_WIDTH = 64
GRID = 101
"""Places on the declared range, its logarithm for days, among which a finer reading of a number is spread."""
BLUR = 1.0
"""Deviation of the Gaussian that is the target of such a reading, in steps of the grid: neighbours share what they
learn, so that numbers are read smoothly (histogram loss, Imani and White 2018, "Improving Regression Performance with
Distributional Losses", eq. 3)."""
LOWEST_DAYS, HIGHEST_DAYS = 1.0, 60 * 365.25


class Reading(NamedTuple):
    """What a note says of one field.

    value: as `Field.parse` gives it; None where the note does not say.
    confidence: probability of what is read, in [0, 1]; of a number, that it is recorded at all.
    """

    value: FieldValue
    confidence: float


class Scale(NamedTuple):
    """How a number is standardised: days by their logarithm, everything else as it is.

    mean: of a uniform draw from the declared range.
    deviation: of the same.
    """

    mean: float
    deviation: float
    is_log: bool

    def standardised(self, value: float) -> float:
        raw = math.log(max(value, LOWEST_DAYS)) if self.is_log else value
        return (raw - self.mean) / self.deviation

    def value(self, standardised: float) -> float:
        raw = standardised * self.deviation + self.mean
        return math.exp(raw) if self.is_log else raw


def declared_range(field: Field) -> tuple[float, float]:
    """Lowest and highest value of a number; where nothing is declared, what its unit makes likely."""
    if field.kind == "duration":
        return LOWEST_DAYS, HIGHEST_DAYS
    low = 0.0 if field.low is None else field.low
    likely = {"years": 100.0, "mm": 50.0, "cm": 5.0}.get(field.unit, 100.0)
    high = max(low + likely, likely) if field.high is None else field.high
    return low, high if high > low else low + 1


def scale_of(field: Field) -> Scale:
    """From the declared range alone: nothing is learned from patients."""
    low, high = declared_range(field)
    is_log = field.kind == "duration"
    if is_log:
        low, high = math.log(low), math.log(high)
    return Scale((low + high) / 2, (high - low) / math.sqrt(12), is_log)


def outputs_of(field: Field) -> tuple[str, ...]:
    """What the outputs of a field stand for.

    Logits of (not recorded, unknown, *choices); of a number, logits of (not recorded, recorded) and the standardised
    value.
    """
    if field.is_number:
        return ("", "recorded", "value")
    return ("", UNKNOWN, *(("yes", "no") if field.kind == "yes_no" else field.choices))


class FieldReader(nn.Module):
    """Features of notes → the fields that they state.

    Two readings of each field: a linear one of the pooled vector, which keeps every fact linearly readable where
    fusions and logistic regressions look for it, and a finer one, which answers. The finer one has two queries for each
    field, attends with them over the tokens, and reads what they have attended to; without tokens it is the linear one.

    Args:
        dim: width of pooled vector and tokens.
        fields: as declared.
    """

    def __init__(self, dim: int, fields: Sequence[Field]) -> None:
        super().__init__()
        self.fields = tuple(fields)
        self.scales = {field.name: scale_of(field) for field in fields if field.is_number}
        self.widths = [len(outputs_of(field)) for field in fields]
        self.center: Tensor
        self.spread: Tensor
        self.register_buffer("center", torch.zeros(dim))
        self.register_buffer("spread", torch.ones(dim))
        self.linear = nn.Linear(dim, sum(self.widths))
        self.key = nn.Linear(dim, dim, bias=False)
        # Standardised, a uniform draw lies between −√3 and √3.
        self.grid: Tensor
        self.register_buffer("grid", torch.linspace(-math.sqrt(3), math.sqrt(3), GRID))
        self.queries = nn.Parameter(torch.randn(len(fields), QUERIES, dim) / math.sqrt(dim))
        self.attended = nn.ModuleList(
            _number_head(QUERIES * dim) if field.is_number else nn.Linear(QUERIES * dim, width)
            for field, width in zip(fields, self.widths, strict=True)
        )

    def forward(self, features: Features) -> tuple[Tensor, ...]:
        """The finer reading: (B, outputs) by field, in their order.

        Of a number there are 2 + GRID outputs: its value is spread over the grid. Without tokens it is the linear
        reading, with 3.
        """
        if features.tokens is None or features.mask is None:
            return self.linear_outputs(features.pooled)
        scores = torch.einsum("btd,fqd->bfqt", self.key(features.tokens), self.queries)
        weights = scores.masked_fill(~features.mask[:, None, None], -torch.inf).softmax(dim=-1)
        seen = torch.einsum("bfqt,btd->bfqd", weights, features.tokens).flatten(start_dim=2)
        return tuple(head(of_field) for head, of_field in zip(self.attended, seen.unbind(dim=1), strict=True))

    def linear_outputs(self, pooled: Tensor) -> tuple[Tensor, ...]:
        """The linear reading of pooled vectors (B, D): (B, outputs) by field."""
        outputs: tuple[Tensor, ...] = self.linear((pooled - self.center) / self.spread).split(self.widths, dim=1)
        return outputs

    def standardise(self, pooled: Tensor) -> None:
        """Take mean and deviation of pooled vectors (N, D), N > 1, as the units of the linear reading.

        Pooled vectors of notes differ by little from a large mean; a linear layer on them as they are learns slowly.
        """
        self.center.copy_(pooled.mean(dim=0))
        self.spread.copy_(pooled.std(dim=0).clamp_min(1e-6))

    def loss(self, features: Features, histories: Sequence[History]) -> Tensor:
        """Mean over fields and both readings: cross-entropies, and of recorded numbers the linear squared error.

        The linear reading weighs twice: it shapes the pooled vector, the finer one learns by itself.
        """
        codes, values = self.targets(histories)
        linear, finer = (
            torch.stack([self._field_loss(index, output, codes, values) for index, output in enumerate(way)]).mean()
            for way in (self.linear_outputs(features.pooled), self(features))
        )
        return (2 * linear + finer) / 3

    def targets(self, histories: Sequence[History]) -> tuple[Tensor, Tensor]:
        """Codes (B, F) int64 among a field's classes, and standardised numbers (B, F), 0 where none is recorded."""
        codes = torch.zeros(len(histories), len(self.fields), dtype=torch.int64)
        values = torch.zeros(len(histories), len(self.fields))
        for row, history in enumerate(histories):
            for column, field in enumerate(self.fields):
                value = history.fields.get(field.name)
                if value is None:
                    continue
                if isinstance(value, str):
                    codes[row, column] = outputs_of(field).index(value)
                else:
                    codes[row, column] = 1
                    values[row, column] = self.scales[field.name].standardised(value)
        return codes, values

    def _field_loss(self, index: int, output: Tensor, codes: Tensor, values: Tensor) -> Tensor:
        code = codes[:, index].to(output.device)
        if not self.fields[index].is_number:
            return functional.cross_entropy(output, code)
        value = values[:, index].to(output.device)
        recorded = functional.cross_entropy(output[:, :2], code)
        if output.shape[1] == 3:
            return recorded + SPREAD * ((output[:, 2] - value) * code).square().mean()
        steps = (self.grid - value[:, None]) / (self.grid[1] - self.grid[0])
        target = (-0.5 * (steps / BLUR).square()).softmax(dim=1)
        return recorded + (code * functional.cross_entropy(output[:, 2:], target, reduction="none")).mean()

    @torch.inference_mode()
    def read(self, features: Features) -> list[dict[str, Reading]]:
        """By note, what it says of every field."""
        outputs = [output.double().cpu() for output in self(features)]
        readings = [self._read_field(field, output) for field, output in zip(self.fields, outputs, strict=True)]
        names = [field.name for field in self.fields]
        return [dict(zip(names, of_note, strict=True)) for of_note in zip(*readings, strict=True)]

    def _read_field(self, field: Field, output: Tensor) -> list[Reading]:
        logits = output[:, :2] if field.is_number else output
        confidence, code = logits.softmax(dim=1).max(dim=1)
        told = outputs_of(field)
        values: list[FieldValue] = [told[index] or None for index in code.tolist()]
        if field.is_number:
            read = output[:, 2] if output.shape[1] == 3 else output[:, 2:].softmax(dim=1) @ self.grid.double().cpu()
            numbers = [self._number(field, standardised) for standardised in read.tolist()]
            values = [None if value is None else number for value, number in zip(values, numbers, strict=True)]
        return [Reading(value, chance) for value, chance in zip(values, confidence.tolist(), strict=True)]

    def _number(self, field: Field, standardised: float) -> float:
        """Within the declared range, which a reading could leave by a little."""
        number = self.scales[field.name].value(standardised)
        low, high = declared_range(field)
        return min(max(number, field.low if field.low is not None else low), high)


def _number_head(dim: int) -> nn.Module:
    """Words for neighbouring numbers lie in no line: one hidden layer."""
    return nn.Sequential(nn.Linear(dim, NUMBER_WIDTH), nn.GELU(), nn.Linear(NUMBER_WIDTH, 2 + GRID))


def plain_fields(fields: Sequence[Field]) -> list[dict[str, object]]:
    """Fields without their wordings, as plain values: all that a reader is built from."""
    return [field.model_copy(update={"phrases": {}}).model_dump(mode="json") for field in fields]


def reader_of(dim: int, fields: Sequence[Mapping[str, object]]) -> FieldReader:
    """The reader of fields given as `plain_fields` gives them, its tensors not yet loaded."""
    return FieldReader(dim, [Field.model_validate(field) for field in fields])
