"""Which questions of the history move a model most: the order in which a form asks them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from mmskin.explain.answers import Answers, Floats
from mmskin.explain.what_if import others
from mmskin.schema import UNKNOWN, Field, History
from mmskin.trained.ensemble import Trained
from mmskin.trained.presented_case import PresentedCase

WITHOUT_RANGE = (1.0, 10.0, 100.0)  # tried of a number that declares no range; a guess


def question_order(trained: Trained) -> list[str]:
    """Names of all fields, those that move the answer most first, those that the model does not read last.

    A field moves the answer by the largest total variation, ½ Σ|p - q|, between the answers to two of its values, where
    it alone is recorded and there is no photo: a number is not set back for the many values between its ends. Of
    several models the first is asked: it is an order, no result. Fields that move it equally stay in declared order.
    """
    fields = trained.schema.fields
    answers = Answers(PresentedCase(trained.models[0], History(), {}))
    if not answers.reads_history or not fields:
        return list(trained.schema.field_names)
    tried = {field.name: values_to_try(field) for field in fields}
    probs = iter(answers([History({name: value}) for name, values in tried.items() for value in values]))
    moved = {name: largest_variation([next(probs) for _ in values]) for name, values in tried.items()}
    return sorted(moved, key=lambda name: -moved[name])


def values_to_try(field: Field) -> list[float | str]:
    """What a form offers, "unknown" not among it."""
    values = [value for value in others(field, History()) if value != UNKNOWN]
    if field.is_number and not values:
        return [value for value in WITHOUT_RANGE if _is_in_range(field, value)]
    return values


def largest_variation(probs: Sequence[Floats]) -> float:
    """Largest total variation between two answers (C,); 0 of fewer than two."""
    apart = [float(np.abs(one - other).sum()) / 2 for one, other in combinations(probs, 2)]
    return round(max(apart, default=0.0), 9)  # rounded: equal but for the order in a batch is equal


def _is_in_range(field: Field, value: float) -> bool:
    return (field.low is None or value >= field.low) and (field.high is None or value <= field.high)
