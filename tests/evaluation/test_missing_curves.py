from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from mmskin.errors import DataError
from mmskin.evaluation import evaluate
from mmskin.evaluation.missing_curves import Losses, balanced_accuracies, evaluate_missing, relative_robustness
from mmskin.evaluation.predictions import probabilities

TARGETS = ["a", "a", "b", "b"]


def answers(arm: str, scenario: str, rate: float, said: str, *, answered: str = "1111") -> pd.DataFrame:
    """Four cases of three patients, whose answers are the letters said."""
    sure = np.array([letter == "a" for letter in said])
    return pd.DataFrame(
        {
            "case_id": ["c0", "c1", "c2", "c3"],
            "patient_id": ["p", "p", "q", "r"],
            "fold": [0, 0, 1, 1],
            "seed": 0,
            "arm": arm,
            "split": "test",
            "target": TARGETS,
            "prob_a": np.where(sure, 0.9, 0.1),
            "prob_b": np.where(sure, 0.1, 0.9),
            "scenario": scenario,
            "rate": rate,
            "answered": [letter == "1" for letter in answered],
        }
    )


def by_hand() -> pd.DataFrame:
    return pd.concat(
        [
            answers("both", "complete", 0, "aabb"),  # 1
            answers("both", "photo", 1, "aaba"),  # (1 + 1/2) / 2 = 3/4
            answers("both", "at_random", 0.3, "aabb"),  # 1
            answers("both", "at_random", 0.6, "abbb"),  # 3/4
            answers("both", "in_blocks", 0.3, "aaaa"),  # 1/2
            answers("both", "in_blocks", 0.6, "bbbb"),  # 1/2
            answers("note", "complete", 0, "aaab"),  # 3/4
            answers("note", "photo", 1, "bbbb", answered="0000"),  # 1/2
            answers("note", "at_random", 0.3, "aaab"),  # 3/4
            answers("note", "at_random", 0.6, "bbbb", answered="1010"),  # 1/2
            answers("note", "in_blocks", 0.3, "bbab"),  # 1/4
            answers("note", "in_blocks", 0.6, "bbbb", answered="0000"),  # 1/2
        ],
        ignore_index=True,
    )


def drawn_clinic(make_predictions) -> pd.DataFrame:
    """Two arms on 120 cases; the note's skill goes with the fields, the photo's stays."""
    parts = []
    for arm, skills in {"photo": (2.0, 2.0, 2.0), "note": (3.0, 1.5, 0.2)}.items():
        for rate, skill in zip((0.0, 0.4, 0.8), skills, strict=True):
            rows = make_predictions(arm=arm, skill=skill, rng_seed=0 if arm == "photo" else int(rate * 10) + 1)
            scenario = "at_random" if rate else "complete"
            parts.append(rows.assign(scenario=scenario, rate=rate, answered=True))
    return pd.concat(parts, ignore_index=True)


# --- scores ---


def test_scores_and_changes_are_those_worked_out_by_hand() -> None:
    scores = evaluate_missing(by_hand(), replicates=20).scores
    assert scores.estimate.tolist() == [1, 0.75, 1, 0.75, 0.5, 0.5, 0.75, 0.5, 0.75, 0.5, 0.25, 0.5]
    assert scores.change.tolist() == [0, -0.25, 0, -0.25, -0.5, -0.5, 0, -0.25, 0, -0.25, -0.5, -0.25]
    assert scores.answered.tolist() == [1] * 6 + [1, 0, 1, 0.5, 1, 0]
    assert set(scores.n) == {4}
    assert list(scores.arm.drop_duplicates()) == ["both", "note"]


def test_scores_are_those_of_scikit_learn_and_of_the_report(make_predictions) -> None:
    table = drawn_clinic(make_predictions)
    scores = evaluate_missing(table, replicates=200).scores.set_index(["arm", "rate"])
    for (arm, rate), rows in table.groupby(["arm", "rate"]):
        labels = np.array(["ACK", "BCC", "MEL", "NEV"])[probabilities(rows).argmax(axis=1)]
        assert scores.estimate[arm, rate] == pytest.approx(balanced_accuracy_score(rows.target, labels))
        reported = evaluate(rows, replicates=200)
        whole = reported[(reported.metric == "balanced_accuracy") & (reported.subset == "all")]
        here = scores.loc[(arm, rate), ["estimate", "low", "high"]]
        assert here.tolist() == pytest.approx(whole[["estimate", "low", "high"]].iloc[0].tolist())


def test_a_scenario_that_answers_as_the_complete_cases_changes_nothing_in_any_resample(make_predictions) -> None:
    losses = evaluate_missing(drawn_clinic(make_predictions), replicates=100)
    photo = losses.scores[losses.scores.arm == "photo"]
    assert (photo[["change", "change_low", "change_high"]] == 0).to_numpy().all()
    line = losses.robustness.set_index("arm").loc["photo"]
    assert line[["estimate", "low", "high"]].tolist() == pytest.approx([1, 1, 1])


def test_the_order_of_rows_makes_no_difference() -> None:
    once = evaluate_missing(by_hand(), replicates=20).scores.set_index(["arm", "scenario", "rate"]).sort_index()
    shuffled = by_hand().sample(frac=1, random_state=1)
    again = evaluate_missing(shuffled, replicates=20).scores.set_index(["arm", "scenario", "rate"]).sort_index()
    pd.testing.assert_frame_equal(once, again)


def test_scenarios_of_other_cases_are_refused() -> None:
    with pytest.raises(DataError, match=r"every scenario of every arm must have the same cases.*some lack c0"):
        evaluate_missing(by_hand().iloc[1:], replicates=20)


# --- robustness ---


def test_relative_robustness_is_the_mean_share_that_is_left_above_chance() -> None:
    complete = np.full(3, 0.8)
    curve = np.array([[0.8] * 3, [0.5] * 3, [0.2] * 3])
    # of 0.6 above chance 0.6, 0.3 and 0 are left: (1 + .5 + 0) / 3
    assert relative_robustness(curve, complete, chance=0.2) == pytest.approx([0.5] * 3)


def test_of_an_arm_no_better_than_chance_no_share_is_left() -> None:
    complete = np.array([0.3, 0.2, 0.4, 0.3])  # its interval reaches 0.2
    assert np.isnan(relative_robustness(complete[None], complete, chance=0.25)).all()
    higher = np.append(np.full(99, 0.5), 0.2)  # one resample of a hundred: outside the interval, but undefined
    share = relative_robustness(np.full((1, 100), 0.3), higher, chance=0.25)
    assert share[:99] == pytest.approx(0.2)
    assert math.isnan(share[99])


def test_robustness_of_every_arm_and_mechanism(make_predictions) -> None:
    table = drawn_clinic(make_predictions)
    losses = evaluate_missing(table, replicates=200)
    assert losses.chance == 0.25
    scores = losses.scores.set_index(["arm", "rate"]).estimate
    left = np.mean([(scores["note", rate] - 0.25) / (scores["note", 0.0] - 0.25) for rate in (0.4, 0.8)])
    line = losses.robustness.set_index("arm").loc["note"]
    assert line.estimate == pytest.approx(left)
    assert line.low < line.estimate < line.high < 1


def test_intervals_come_from_whole_patients() -> None:
    from mmskin.evaluation.intervals import draw_patients

    table = by_hand()
    resamples = draw_patients(table["patient_id"], replicates=50)
    values = balanced_accuracies(table, resamples)
    only_q = np.flatnonzero((resamples.counts == [0, 3, 0]).all(axis=1))  # of patients p, q, r q alone: case c2, of b
    assert len(only_q)
    assert (values["both", "complete", 0.0][only_q] == 1).all()
    assert (values["note", "complete", 0.0][only_q] == 0).all()


# --- the page ---


@pytest.fixture
def losses(make_predictions) -> Losses:
    return evaluate_missing(drawn_clinic(make_predictions), replicates=100)
