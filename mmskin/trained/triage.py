"""How soon a physician should see a case: three levels, from the probabilities and from red flags of the history.

The lowest level is given only where the probability of a dangerous class lies below a threshold that is controlled by
risk: on validation patients the share of dangerous cases called least urgent is kept at or below `MISSED`, in
expectation over new patients (conformal risk control; Angelopoulos et al., ICLR 2024, with the loss "a dangerous case
was called least urgent"). The highest level is given above a threshold that keeps the share of harmless cases called
urgent at or below `ALARMED` in the same way. A red flag of the history, as the schema declares it, lifts the lowest
level; it never lowers one. Precancerous classes are a group of their own: a case that may be one is seen soon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mmskin.evaluation.metrics import Floats
from mmskin.schema import Schema
from mmskin.sentence import Sentence

Bools = NDArray[np.bool_]
MISSED = 0.02  # of dangerous cases that may be called least urgent; of precancerous ones five times as many
ALARMED = 0.15  # of harmless cases that may be called urgent
DANGEROUS = ("malignant", "worrying")  # names of class groups
PREMALIGNANT = ("premalignant",)


class Level(IntEnum):
    """Higher is sooner."""

    LEAST = 0
    SOON = 1
    URGENT = 2


TITLES = {
    Level.URGENT: Sentence("See a physician urgently"),
    Level.SOON: Sentence("See a physician soon"),
    Level.LEAST: Sentence("No reason found to hurry; this does not rule out cancer"),
}


class Thresholds(BaseModel):
    """Of one set of parts that are there.

    soon: probability of a dangerous class from which a case is not least urgent; 0 where validation had too few
        dangerous patients to promise anything: no case is least urgent then.
    soon_premalignant: the same of dangerous and precancerous classes together; 1 where there are no such classes.
    urgent: probability of a dangerous class from which a case is urgent.
    dangerous, premalignant, harmless: validation patients behind them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    soon: float = Field(ge=0, le=1)
    soon_premalignant: float = Field(ge=0, le=1)
    urgent: float = Field(ge=0)
    dangerous: int = Field(ge=0)
    premalignant: int = Field(ge=0)
    harmless: int = Field(ge=0)


class Triage(NamedTuple):
    """level: of the case. reasons: one sentence each, why it is not lower; for the lowest, what was looked at."""

    level: Level
    reasons: tuple[str, ...]

    @property
    def title(self) -> str:
        return TITLES[self.level]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {"level": self.level.name.lower(), "title": self.title, "reasons": list(self.reasons)}


class Groups(NamedTuple):
    """(C,) which classes are dangerous, and which precancerous."""

    dangerous: Bools
    premalignant: Bools


def groups_of(schema: Schema) -> Groups | None:
    """By the schema's class groups; None where it names no dangerous class: there is no triage then."""
    dangerous, premalignant = (
        np.isin(schema.classes, [name for group in names for name in schema.class_groups.get(group, ())])
        for names in (DANGEROUS, PREMALIGNANT)
    )
    return Groups(dangerous, premalignant & ~dangerous) if dangerous.any() else None


def fit_thresholds(
    probs: Floats, target: NDArray[np.int64], flagged: Bools, patients: Sequence[str], groups: Groups
) -> Thresholds:
    """Thresholds by conformal risk control over patients; a patient counts by the case that is called wrong first.

    Args:
        probs: (N, C), calibrated, of validation cases.
        target: (N,), class codes.
        flagged: (N,), whether the history has a red flag, which lifts the lowest level by itself.
        patients: (N,) ids.
        groups: see `groups_of`.
    """
    dangerous, either = probs @ groups.dangerous, probs @ (groups.dangerous | groups.premalignant)
    lifted = np.where(flagged, np.inf, 0.0)
    kinds = [groups.dangerous[target], groups.premalignant[target]]
    lowest = [
        _per_patient(np.maximum(score, lifted)[kind], np.asarray(patients)[kind], np.minimum)
        for score, kind in zip((dangerous, either), kinds, strict=True)
    ]
    harmless = ~(kinds[0] | kinds[1])
    highest = _per_patient(dangerous[harmless], np.asarray(patients)[harmless], np.maximum)
    return Thresholds(
        soon=_lowest_allowed(lowest[0], risk=MISSED),
        soon_premalignant=_lowest_allowed(lowest[1], risk=5 * MISSED) if groups.premalignant.any() else 1.0,
        urgent=_highest_allowed(highest, risk=ALARMED),
        dangerous=len(lowest[0]),
        premalignant=len(lowest[1]),
        harmless=len(highest),
    )


def levels(probs: Floats, flagged: Bools, thresholds: Thresholds, groups: Groups) -> NDArray[np.int64]:
    """(N,) the level of each case.

    Args:
        probs: (N, C), calibrated.
        flagged: (N,), whether the history has a red flag.
        thresholds: of the model, for the parts that are there.
        groups: see `groups_of`.
    """
    dangerous, either = probs @ groups.dangerous, probs @ (groups.dangerous | groups.premalignant)
    is_soon = (dangerous >= thresholds.soon) | flagged
    if groups.premalignant.any():
        is_soon |= either >= thresholds.soon_premalignant
    is_urgent = dangerous >= max(thresholds.urgent, thresholds.soon)
    return np.where(is_urgent, Level.URGENT, np.where(is_soon, Level.SOON, Level.LEAST)).astype(np.int64)


def _per_patient(scores: Floats, patients: NDArray[np.str_], worst: np.ufunc) -> Floats:
    """(P,) sorted: of each patient the score by which one of their cases is called wrong first."""
    _, of = np.unique(patients, return_inverse=True)
    start = np.inf if worst is np.minimum else -np.inf
    found = np.full(of.max(initial=-1) + 1, start)
    worst.at(found, of, scores)
    return np.sort(found)


def _lowest_allowed(scores: Floats, *, risk: float) -> float:
    """The highest threshold below which so few scores lie that (k + 1) / (n + 1) ≤ risk; 0 where none does."""
    allowed = math.floor(risk * (len(scores) + 1) + 1e-9) - 1
    if allowed < 0:
        return 0.0
    return float(min(scores[allowed], 1.0)) if allowed < len(scores) else 1.0


def _highest_allowed(scores: Floats, *, risk: float) -> float:
    """The lowest threshold that so few scores reach that (k + 1) / (n + 1) ≤ risk; above 1 where none does."""
    allowed = math.floor(risk * (len(scores) + 1) + 1e-9) - 1
    if allowed < 0:
        return float(np.nextafter(1.0, 2.0))
    return float(np.nextafter(scores[::-1][allowed], 2.0)) if allowed < len(scores) else 0.0
