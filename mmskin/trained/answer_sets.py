"""Sets of classes that hold the true one as often as they promise: conformal prediction.

A class is left out of a set where the probability that the case gives it is lower than that of nearly all validation
cases of the class. If new patients are like those of validation (exchangeable), a set of level 1 − α holds the true
class with probability ⌈(1 − α)(n + 1)⌉ / (n + 1) or more, n cases of the class: *class by class*, so that a rare
melanoma is promised as much as a frequent naevus (Vovk et al., *Algorithmic learning in a random world*, 2005, Mondrian
predictors; the hinge score 1 − p). The other kind, `marginal`, promises it over all cases together alone.

The p-values are those of the package crepes, without smoothing: a case is answered the same way twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from crepes import ConformalClassifier
from numpy.typing import NDArray

from mmskin.evaluation.metrics import Floats, Ints

Promise = Literal["by_class", "marginal"]
Bools = NDArray[np.bool_]
LEVEL = 0.9
ROUNDED = 1e-6  # upwards: a larger score of a validation case can only enlarge a set


class AnswerSet(NamedTuple):
    """The classes that are left for one case.

    classes: the likeliest first, which is always there. level: that was asked for. promised: of several models that
    vote 1 − 2α, the level otherwise. too_few: classes of which validation had too few cases to be ever left out.
    """

    classes: tuple[str, ...]
    level: float
    promised: float
    too_few: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {**self._asdict(), "classes": list(self.classes), "too_few": list(self.too_few)}


def scores_of(probs: Floats) -> Floats:
    """(N, C) how strange a case would be as one of each class: 1 − p, in [0, 1]."""
    return 1.0 - probs


def own_scores(probs: Floats, target: Ints, classes: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """By class, the sorted scores of its own cases, rounded up: what a set is found from, and nobody's row.

    Args:
        probs: (N, C), of validation cases, by a calibration that was not fitted on them; one case a patient.
        target: (N,), class codes.
        classes: their names.
    """
    scores = np.ceil(scores_of(probs)[np.arange(len(target)), target] / ROUNDED - 1e-3) * ROUNDED
    return {name: tuple(np.sort(scores[target == code]).round(6).tolist()) for code, name in enumerate(classes)}


def p_values(own: Mapping[str, Sequence[float]], probs: Floats, *, promise: Promise = "by_class") -> Floats:
    """(N, C): for every class, the share of its validation cases that are as strange as this one, itself among them.

    Args:
        own: by class, in the order of the columns, scores of validation cases; see `own_scores`.
        probs: (N, C), of the cases, by the calibration of the scores.
        promise: class by class, or over all cases alone.
    """
    known = np.concatenate([np.asarray(scores, dtype=np.float64) for scores in own.values()])
    of_class = np.repeat(np.arange(len(own)), [len(scores) for scores in own.values()])
    scores = scores_of(probs)
    if promise == "marginal":
        return np.asarray(ConformalClassifier().fit(known).predict_p(scores, smoothing=False))
    fitted = ConformalClassifier().fit(known, bins=of_class)
    columns = [
        fitted.predict_p(column, bins=np.full(len(column), code), smoothing=False)
        for code, column in enumerate(scores.T)
    ]
    return np.stack(columns, axis=1)


def needed_cases(level: float) -> int:
    """How many cases of a class validation needs so that the class can ever be left out: ⌈1 / α⌉ − 1.

    >>> needed_cases(0.9), needed_cases(0.95)
    (9, 19)
    """
    return math.ceil(1 / (1 - level) - 1e-9) - 1


def members(of: Floats, probs: Floats, *, level: float) -> Bools:
    """(N, C) which classes are in the set: p above α, and the likeliest class in any case.

    Args:
        of: (N, C), `p_values`.
        probs: (N, C), of the same cases.
        level: 1 − α, in (0, 1).

    Raises:
        ValueError: level outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, however: level={level}")
    inside = of > 1 - level + 1e-12
    inside[np.arange(len(probs)), probs.argmax(axis=1)] = True
    return inside
