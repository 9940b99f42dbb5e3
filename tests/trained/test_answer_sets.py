"""Sets with a promise: against crepes' and MAPIE's own, by hand, and by coverage over many resampled splits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from mmskin.data.seeds import view_seed
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.trained.answer_sets import members, needed_cases, own_scores, p_values
from mmskin.trained.class_calibration import fit_class_calibration
from mmskin.trained.safeguards import PARTS, SAFEGUARDS, Validated, calibrated_by_others, fit_of_parts

CLASSES = ("often", "seldom", "rare")
SHARES = np.array([0.6, 0.3, 0.1])


def drawn(n: int, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Answers that are too sure and favour the first class, and the classes."""
    posterior = softmax(rng.normal(scale=1.5, size=(n, 3)) + np.log(SHARES), axis=1)
    target = (posterior.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return log_softmax(1.7 * np.log(posterior) + np.array([0.8, 0.0, -0.5]), axis=1), target.astype(np.int64)


def promised(n: int, *, level: float) -> float:
    """⌈(1 − α)(n + 1)⌉ / (n + 1): how often a set holds the true class by n validation cases."""
    return math.ceil(level * (n + 1) - 1e-9) / (n + 1)


def test_by_hand() -> None:
    own = {"a": (0.1, 0.2, 0.6, 0.9), "b": (0.5,)}
    probs = np.array([[0.4, 0.6]])  # scores .6 and .4: of a, two of four are as strange or stranger
    assert p_values(own, probs) == pytest.approx(np.array([[3 / 5, 2 / 2]]))
    assert p_values(own, probs, promise="marginal") == pytest.approx(np.array([[3 / 6, 4 / 6]]))


def test_the_likeliest_class_is_never_left_out() -> None:
    inside = members(np.array([[0.01, 0.02], [0.5, 0.01]]), np.array([[0.3, 0.7], [0.9, 0.1]]), level=0.9)
    assert inside.tolist() == [[False, True], [True, False]]


def test_scores_are_sorted_rounded_upwards_and_nobodys_row() -> None:
    probs = np.array([[0.7, 0.3], [0.1234567, 0.8765433], [0.9, 0.1]])
    own = own_scores(probs, np.array([0, 0, 1]), ("a", "b"))
    assert own == {"a": (0.3, 0.876544), "b": (0.9,)}


def test_a_class_with_too_few_cases_is_in_every_set() -> None:
    few = {
        "a": tuple(np.linspace(0.1, 0.9, 20)),
        "b": (0.1,) * (needed_cases(0.9) - 1),
        "c": (0.1,) * needed_cases(0.9),
    }
    inside = members(p_values(few, np.array([[0.9, 0.05, 0.05]])), np.array([[0.9, 0.05, 0.05]]), level=0.9)
    assert inside.tolist() == [[True, True, False]]


def test_sets_are_those_of_mapie() -> None:
    """Its split conformal classifier with the hinge score (LAC), which promises over all cases together."""
    mapie = pytest.importorskip("mapie.classification")
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    target = rng.choice(3, size=600, p=SHARES)
    points = np.eye(3)[target] * 1.5 + rng.normal(size=(600, 3))
    learned = LogisticRegression().fit(points[:200], target[:200])
    theirs = mapie.SplitConformalClassifier(learned, confidence_level=0.9, prefit=True, conformity_score="lac")
    theirs.conformalize(points[200:400], target[200:400])
    _, sets = theirs.predict_set(points[400:])
    held_out, new = learned.predict_proba(points[200:400]), learned.predict_proba(points[400:])
    own = own_scores(held_out, target[200:400], CLASSES)
    ours = p_values(own, new, promise="marginal") > 0.1
    assert (ours == sets[:, :, 0]).mean() > 0.999  # scores are rounded at the sixth decimal


def test_coverage_of_every_class_is_the_promised_one_over_resampled_splits() -> None:
    """Scores by one fixed calibration: ⌈(1 − α)(n + 1)⌉ / (n + 1) of each class, within three Monte Carlo errors."""
    rng = np.random.default_rng(4)
    level, splits, n_class, n_new = 0.9, 400, 30, 30
    covered: dict[int, list[float]] = {code: [] for code in range(3)}
    logs, target = drawn(20_000, rng)
    probs = np.exp(logs)
    for _ in range(splits):
        picked = [rng.permutation(np.flatnonzero(target == code))[: n_class + n_new] for code in range(3)]
        val = np.concatenate([of[:n_class] for of in picked])
        own = own_scores(probs[val], target[val], CLASSES)
        for code, of in enumerate(picked):
            new = of[n_class:]
            covered[code].append(float((p_values(own, probs[new])[:, code] > 1 - level + 1e-12).mean()))
    expected = promised(n_class, level=level)
    assert expected == pytest.approx(28 / 31)
    for shares in covered.values():
        error = np.std(shares) / np.sqrt(splits)
        assert abs(np.mean(shares) - expected) < 3 * error + 1e-3  # 20,000 cases stand for infinitely many


def test_calibration_on_the_same_patients_costs_no_coverage_when_scores_come_from_others() -> None:
    """The whole way of a saved model: 250 validation cases calibrate, and give the scores by other parts of them."""
    rng = np.random.default_rng(5)
    level, splits = 0.9, 200
    covered: dict[str, list[float]] = {name: [] for name in CLASSES}
    for _ in range(splits):
        logs, target = drawn(250, rng)
        val = Validated(logs, target, [f"p{k}" for k in range(250)], np.zeros(250, dtype=bool))
        known = fit_of_parts(val, CLASSES, None)
        new, classes = drawn(400, rng)
        probs = known.calibration.probabilities(new)
        inside = members(p_values(known.scores, probs), probs, level=level)
        for code, name in enumerate(CLASSES):
            covered[name].append(float(inside[classes == code, code].mean()))
    for name, shares in covered.items():
        error = np.std(shares) / np.sqrt(splits)
        assert np.mean(shares) > level - 3 * error - 0.005, name


def test_a_patient_counts_once() -> None:
    logs, target = drawn(60, np.random.default_rng(6))
    twice = Validated(
        np.repeat(logs, 2, axis=0), np.repeat(target, 2), [f"p{k // 2}" for k in range(120)], np.zeros(120, dtype=bool)
    )
    known = fit_of_parts(twice, CLASSES, None)
    assert known.patients == sum(map(len, known.scores.values())) == 60


def test_needed_cases_and_levels() -> None:
    assert [needed_cases(level) for level in (0.8, 0.9, 0.95, 0.99)] == [4, 9, 19, 99]
    assert promised(9, level=0.9) == pytest.approx(0.9)
    with pytest.raises(ValueError, match="level must lie between 0 and 1, however: level=1"):
        members(np.ones((1, 2)), np.ones((1, 2)), level=1)


def test_no_case_is_judged_by_a_calibration_that_has_seen_its_patient() -> None:
    logs, target = drawn(80, np.random.default_rng(8))
    val = Validated(logs, target, [f"p{k // 2}" for k in range(80)], np.zeros(80, dtype=bool))
    held_out = calibrated_by_others(val)
    part = np.array([view_seed(patient, SAFEGUARDS, 0) % PARTS for patient in val.patients])
    assert len(set(part)) == PARTS
    for number in range(PARTS):
        others = fit_class_calibration(logs[part != number], target[part != number])
        assert held_out[part == number] == pytest.approx(others.probabilities(logs[part == number]))
