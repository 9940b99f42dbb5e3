"""How much the photo, the patient's own words and the fields counted: exact Shapley values over the three.

Every subset is a case that the model can be asked: an absent photo is the model's own learned absence, as where none
was taken; words and fields are left out of the `History`. With none of the three the answer is `Answers.nothing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmskin.explain.answers import Answers
from mmskin.explain.shapley import exact_shapley
from mmskin.features import is_photo, photo_title
from mmskin.schema import History


@dataclass(frozen=True)
class PartShares:
    """How much the parts counted.

    points: by part ("photo", or "clinical photo" and so on; "words", "fields"; those that the case has and the model
        reads); they add up to score − baseline_score.
    alone: the differential by class with one kind of photo or the history alone ("photo" or "clinical photo" and so
        on, "history"), where there is such.
    score, baseline_score: the probability of the explained class with everything and with nothing.
    """

    points: Mapping[str, float]
    score: float
    baseline_score: float
    completeness_error: float
    alone: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def part_shares(answers: Answers, history: History, code: int) -> PartShares:
    """The shares of the parts for the class of this code."""
    parts = [part for part, is_there in _parts(answers, history).items() if is_there]

    def game(members: NDArray[np.bool_]) -> NDArray[np.float64]:
        subsets = [{part for part, is_in in zip(parts, member, strict=True) if is_in} for member in members]
        return np.array([_answer(answers, history, subset)[code] for subset in subsets])

    found = exact_shapley(game, len(parts))
    history_parts = {"words", "fields"} & set(parts)
    sides = {part: {part} for part in parts if part not in history_parts} | {"history": history_parts}
    alone = {name: _ranked(answers, _answer(answers, history, side)) for name, side in sides.items() if side}
    points = dict(zip(parts, found.values.tolist(), strict=True))
    return PartShares(points, found.full, found.empty, found.completeness_error, alone)


def _parts(answers: Answers, history: History) -> dict[str, bool]:
    kinds = [kind for kind in answers.trained.modalities if is_photo(kind)]
    return {
        **{photo_title(kind): kind in answers.photos for kind in kinds},
        "words": bool(history.text) and "text" in answers.trained.modalities,
        "fields": answers.reads_history and bool(history.recorded()),
    }


def _answer(answers: Answers, history: History, subset: set[str]) -> NDArray[np.float64]:
    fields = history.fields if "fields" in subset else {}
    kept = History(fields, history.text if "words" in subset else None)
    photos = frozenset(kind for kind in answers.photos if photo_title(kind) in subset)
    probs: NDArray[np.float64] = answers([kept], photos=photos)[0]
    return probs


def _ranked(answers: Answers, probs: NDArray[np.float64]) -> dict[str, float]:
    ranked = sorted(zip(answers.schema.classes, probs.tolist(), strict=True), key=lambda item: -item[1])
    return dict(ranked)
