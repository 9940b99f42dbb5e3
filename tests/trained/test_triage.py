"""Triage: thresholds by hand, the risk they promise over many splits, and reasons in words."""

from __future__ import annotations

import numpy as np
import pytest

from mmskin.evaluation.metrics import Floats, Ints
from mmskin.schema import Schema
from mmskin.trained.triage import ALARMED, MISSED, Groups, Level, Thresholds, fit_thresholds, groups_of, levels

CLASSES = ("NEV", "ACK", "MEL")
NONE = np.zeros(3, dtype=bool)
ALONE = Groups(np.array([False, False, True]), NONE)
GROUPS = ALONE._replace(premalignant=np.array([False, True, False]))


def answers(dangerous: Floats, precancer: Floats | float = 0.0) -> Floats:
    second = np.broadcast_to(precancer, dangerous.shape)
    return np.stack([1 - dangerous - second, second, dangerous], axis=1)


def fitted(
    probs: Floats, target: Ints, *, flagged: list[int] | None = None, patients: list[str] | None = None
) -> Thresholds:
    raised = np.zeros(len(target), dtype=bool)
    raised[flagged or []] = True
    groups = GROUPS if (target == 1).any() else ALONE
    return fit_thresholds(probs, target, raised, patients or [f"p{k}" for k in range(len(target))], groups)


def test_groups_are_those_that_the_schema_names() -> None:
    schema = Schema(name="s", classes=CLASSES, class_groups={"malignant": ("MEL",), "premalignant": ("ACK", "MEL")})
    found = groups_of(schema)
    assert found is not None
    assert found.dangerous.tolist() == [False, False, True]
    assert found.premalignant.tolist() == [False, True, False]
    assert groups_of(Schema(name="s", classes=CLASSES)) is None


def test_the_threshold_by_hand() -> None:
    """149 dangerous patients at 2 %: floor(.02 × 150) − 1 = 2 may lie below; so the threshold is the third score."""
    scores = np.linspace(0.01, 0.99, 149)
    found = fitted(answers(scores), np.full(149, 2))
    assert found.soon == pytest.approx(scores[2])
    assert found.dangerous == 149
    lowest = levels(answers(scores), np.zeros(149, dtype=bool), found, ALONE) == Level.LEAST
    assert lowest.sum() == 2


def test_too_few_dangerous_patients_promise_nothing() -> None:
    few = fitted(answers(np.linspace(0.5, 0.9, 48)), np.full(48, 2))
    assert few.soon == 0
    assert (levels(answers(np.array([0.0, 0.4])), np.zeros(2, dtype=bool), few, ALONE) == Level.SOON).all()
    enough = fitted(answers(np.linspace(0.5, 0.9, 49)), np.full(49, 2))
    assert enough.soon == pytest.approx(0.5)


def test_a_patient_counts_by_the_case_that_is_missed_first() -> None:
    scores = np.concatenate([np.full(60, 0.9), np.full(60, 0.1)])
    patients = [f"p{k % 60}" for k in range(120)]
    assert fitted(answers(scores), np.full(120, 2), patients=patients).soon == pytest.approx(0.1)
    assert fitted(answers(scores), np.full(120, 2), patients=patients).dangerous == 60


def test_a_red_flag_lifts_the_lowest_level_and_counts_for_the_threshold() -> None:
    scores = np.linspace(0.01, 0.99, 149)
    found = fitted(answers(scores), np.full(149, 2), flagged=[0, 1, 2])
    assert found.soon == pytest.approx(scores[5])
    raised = np.array([True, False])
    assert levels(answers(np.array([0.0, 0.0])), raised, found, ALONE).tolist() == [Level.SOON, Level.LEAST]


def test_harmless_cases_are_called_urgent_as_rarely_as_asked() -> None:
    rng = np.random.default_rng(0)
    scores, target = rng.random(400), np.zeros(400, dtype=np.int64)
    found = fitted(answers(scores), target)
    assert (scores >= found.urgent).mean() <= ALARMED
    assert (scores >= found.urgent).mean() > ALARMED - 0.01


def test_a_precancer_is_seen_soon() -> None:
    scores = np.linspace(0.01, 0.9, 60)
    target = np.concatenate([np.full(60, 1), np.full(60, 2)])
    found = fitted(np.concatenate([answers(np.zeros(60), scores), answers(np.full(60, 0.9))]), target)
    allowed = int(np.floor(5 * MISSED * 61)) - 1
    assert found.soon_premalignant == pytest.approx(scores[allowed])
    asked = answers(np.zeros(2), np.array([scores[allowed] + 0.01, scores[allowed] - 0.01]))
    assert levels(asked, np.zeros(2, dtype=bool), found, GROUPS).tolist() == [Level.SOON, Level.LEAST]


def test_too_few_precancers_promise_nothing_either() -> None:
    target = np.concatenate([np.full(8, 1), np.full(60, 2)])
    found = fit_thresholds(
        answers(np.full(68, 0.9)), target, np.zeros(68, dtype=bool), [f"p{k}" for k in range(68)], GROUPS
    )
    assert found.soon_premalignant == 0
    assert levels(answers(np.zeros(1)), np.zeros(1, dtype=bool), found, GROUPS).tolist() == [Level.SOON]


def test_urgent_is_never_below_soon() -> None:
    thresholds = Thresholds(soon=0.5, soon_premalignant=1.0, urgent=0.2, dangerous=9, premalignant=0, harmless=9)
    found = levels(answers(np.array([0.3, 0.6])), np.zeros(2, dtype=bool), thresholds, ALONE)
    assert found.tolist() == [Level.LEAST, Level.URGENT]


def test_the_risk_is_at_most_what_is_promised_over_many_splits() -> None:
    rng = np.random.default_rng(1)
    missed, alarmed = [], []
    for _ in range(400):
        dangerous, harmless = rng.beta(3, 2, size=120), rng.beta(1, 4, size=150)
        scores = np.concatenate([dangerous, harmless])
        found = fitted(answers(scores), np.concatenate([np.full(120, 2), np.zeros(150, dtype=np.int64)]))
        new, none = rng.beta(3, 2, size=500), rng.beta(1, 4, size=500)
        raised = np.zeros(500, dtype=bool)
        missed.append((levels(answers(new), raised, found, ALONE) == Level.LEAST).mean())
        alarmed.append((levels(answers(none), raised, found, ALONE) == Level.URGENT).mean())
    for shares, risk in ((missed, MISSED), (alarmed, ALARMED)):
        error = np.std(shares) / np.sqrt(len(shares))
        assert np.mean(shares) < risk + 3 * error
        assert np.mean(shares) > risk - 2 / 120 - 3 * error  # and no more careful than a patient or two
