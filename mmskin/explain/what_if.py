"""What would change the answer: each field set to its other admissible values, one at a time.

A counterfactual of the model, not of the patient: it says what the model would answer, not what is true of a patient
who had been different.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmskin.explain.answers import Answers
from mmskin.inputs.note import say_with_unit
from mmskin.schema import UNKNOWN, YES_NO, Field, History

STEPS = 9  # values of a number, both ends of its range included
DAYS = (7.0, 30.0, 182.0, 365.0, 1826.0, 3652.0)  # a week to ten years, as notes tell them


@dataclass(frozen=True)
class Change:
    """One field with another value, and the answer then.

    was, now: as people say them, with their unit; was is None where the field is not recorded.
    size: how far the value moved, after Gower (1971): for a number the share of its range (of a duration, in log days),
        for everything else 1.
    probabilities: by class, in the schema's order. flips: whether the most likely class is another one.
    """

    field: str
    title: str
    was: str | None
    now: str
    size: float
    probabilities: dict[str, float]
    flips: bool

    @property
    def top(self) -> str:
        return max(self.probabilities, key=lambda name: self.probabilities[name])


def what_if(answers: Answers, history: History) -> list[Change]:
    """The answers under every other admissible value of every field, recorded or not, in the schema's order."""
    if not answers.reads_history:
        return []
    tried = [(field, value) for field in answers.schema.fields for value in others(field, history)]
    changed = [History({**history.fields, field.name: value}, history.text) for field, value in tried]
    probs = answers([history, *changed])
    top = int(probs[0].argmax())
    return [
        _change(answers, field, value, history, row, top) for (field, value), row in zip(tried, probs[1:], strict=True)
    ]


def smallest_flips(changes: Sequence[Change]) -> list[Change]:
    """The changes after which another class is the most likely, the smallest first; of equal ones the clearest."""
    flips = [change for change in changes if change.flips]
    return sorted(flips, key=lambda change: (change.size, -max(change.probabilities.values())))


def others(field: Field, history: History) -> list[float | str]:
    """Admissible values of a field that are not the recorded one.

    Choices with "unknown"; nine values across a number's declared range; times from a week to ten years. A number
    without a range has no values to try but its half and its double.
    """
    now = history.fields.get(field.name)
    return [value for value in _admissible(field, now) if value != now]


def _admissible(field: Field, now: float | str | None) -> list[float | str]:
    if field.kind == "yes_no":
        return list(YES_NO)
    if field.kind == "categorical":
        return [*field.choices, UNKNOWN]
    low = -math.inf if field.low is None else field.low
    high = math.inf if field.high is None else field.high
    if field.kind == "duration":
        tried = list(DAYS)
    elif math.isfinite(low) and math.isfinite(high):
        tried = np.linspace(low, high, STEPS).tolist()
    else:
        tried = [] if now is None else [float(now) / 2, float(now) * 2]
    return [value for value in tried if low <= value <= high]


def _size(field: Field, was: float | str | None, now: float | str) -> float:
    if was is None or isinstance(was, str) or isinstance(now, str):
        return 1.0
    if field.kind == "duration":  # as encoders count it, a day more matters to three days and not to three years
        return min(1.0, abs(math.log1p(now) - math.log1p(was)) / math.log1p(DAYS[-1]))
    bounded = field.low is not None and field.high is not None
    reach = field.high - field.low if bounded else max(abs(was), abs(now))  # type: ignore[operator]
    return min(1.0, abs(now - was) / reach)


def _change(
    answers: Answers, field: Field, value: float | str, history: History, probs: NDArray[np.float64], top: int
) -> Change:
    was = history.fields.get(field.name)
    return Change(
        field=field.name,
        title=field.title,
        was=None if was is None else say_with_unit(field, was),
        now=say_with_unit(field, value),
        size=_size(field, was, value),
        probabilities=dict(zip(answers.schema.classes, probs.tolist(), strict=True)),
        flips=int(probs.argmax()) != top,
    )
