"""What each field of the history gave: Shapley values against *not recorded*.

A coalition is the same case with only some of its recorded fields: the others are taken from the `History` before note
and columns are rendered, so that no part of the model still sees them. The photo and the patient's own words are held
as they are. Fields that are not recorded are no players: there is nothing that could be taken away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmskin.explain.answers import Answers
from mmskin.explain.shapley import shapley_values
from mmskin.inputs.note import say_with_unit
from mmskin.schema import History


@dataclass(frozen=True)
class FieldValue:
    """value: as people say it, with its unit; points: by how much the field raised the probability; error: of the
    points, standard error, 0 if exact."""

    name: str
    title: str
    value: str
    points: float
    error: float


@dataclass(frozen=True)
class FieldValues:
    """fields: in the schema's order; they add up to score − baseline_score.

    score, baseline_score: the probability with all recorded fields and with none, everything else as it is.
    coalitions: histories that were asked for.
    """

    fields: tuple[FieldValue, ...]
    score: float
    baseline_score: float
    completeness_error: float
    is_exact: bool
    coalitions: int


def field_values(
    answers: Answers, history: History, code: int, *, exact_up_to: int, pairs: int, seed: int = 0
) -> FieldValues | None:
    """The values of the recorded fields for the class of this code; None where none is recorded or none is read.

    Args:
        answers: of the case.
        history: of the case.
        code: of the class.
        exact_up_to: see `shapley_values`.
        pairs: see `shapley_values`.
        seed: see `shapley_values`.
    """
    if not answers.reads_history:
        return None
    players = [field for field in answers.schema.fields if history.fields.get(field.name) is not None]
    if not players:
        return None
    names = [field.name for field in players]

    def game(members: NDArray[np.bool_]) -> NDArray[np.float64]:
        return answers([only(history, names, member) for member in members])[:, code]

    found = shapley_values(game, len(players), exact_up_to=exact_up_to, pairs=pairs, seed=seed)
    fields = [
        FieldValue(field.name, field.title, say_with_unit(field, value), float(points), float(error))
        for field, points, error in zip(players, found.values, found.errors, strict=True)
        if (value := history.fields[field.name]) is not None
    ]
    return FieldValues(
        tuple(fields), found.full, found.empty, found.completeness_error, found.is_exact, found.coalitions
    )


def only(history: History, names: list[str], member: NDArray[np.bool_]) -> History:
    """The history with these of its fields, (P,) bool, and its text."""
    kept = {name: history.fields[name] for name, is_in in zip(names, member, strict=True) if is_in}
    return History(kept, history.text)
