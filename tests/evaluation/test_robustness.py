from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from mmskin.errors import DataError
from mmskin.evaluation import evaluate
from mmskin.evaluation.predictions import check_predictions
from mmskin.evaluation.robustness import CLEAN, CorruptedScores, evaluate_robustness

TARGETS = ["a", "a", "b", "b"]
FAULTS = {CLEAN: "aabb", ("blur", 1): "aabb", ("blur", 5): "aaaa", ("hair", 1): "abbb", ("hair", 5): "bbaa"}
"""What an arm says of four cases of three patients, by fault: 1, 1, .5, .75 and 0 of them balanced."""


def answers(arm: str, corruption: str, severity: int, said: str) -> pd.DataFrame:
    sure = np.array([letter == "a" for letter in said])
    return pd.DataFrame(
        {
            "case_id": ["c0", "c1", "c2", "c3"],
            "patient_id": ["p", "p", "q", "r"],
            "fold": 0,
            "seed": 0,
            "arm": arm,
            "split": "test",
            "target": TARGETS,
            "prob_a": np.where(sure, 0.9, 0.1),
            "prob_b": np.where(sure, 0.1, 0.9),
            "corruption": corruption,
            "severity": severity,
            "answered": True,
        }
    )


def by_hand() -> pd.DataFrame:
    """An arm whose answers change with faults, and one whose answers don't."""
    photo = [answers("photo", *fault, said) for fault, said in FAULTS.items()]
    return pd.concat([*photo, *(answers("note", *fault, "aaba") for fault in FAULTS)], ignore_index=True)


def drawn_robustness(make_predictions) -> pd.DataFrame:
    """A clinic of four classes: an arm that loses with severity, and one that reads no photo."""
    tables = []
    for arm, skills in (("photo", (2.0, 1.6, 0.4, 1.8, 1.2)), ("note", (1.5,) * 5)):
        for fault, skill in zip(FAULTS, skills, strict=True):
            drawn = make_predictions(arm=arm, skill=skill, rng_seed=0)
            tables.append(drawn.assign(corruption=fault[0], severity=fault[1], answered=True))
    return pd.concat(tables, ignore_index=True)


def line(scores: CorruptedScores, arm: str, metric: str = "balanced_accuracy") -> pd.Series:
    return scores.means.set_index(["arm", "metric"]).loc[(arm, metric)]


def test_scores_of_every_fault_are_those_of_scikit_learn() -> None:
    scores = evaluate_robustness(by_hand(), replicates=20).scores
    balanced = scores[(scores.metric == "balanced_accuracy") & (scores.arm == "photo")]
    expected = [balanced_accuracy_score(TARGETS, list(said)) for said in FAULTS.values()]
    assert expected == [1, 1, 0.5, 0.75, 0]
    assert balanced.estimate.tolist() == pytest.approx(expected)
    assert balanced.change.tolist() == pytest.approx([0, 0, -0.5, -0.25, -1])
    assert list(zip(balanced.corruption, balanced.severity, strict=True)) == list(FAULTS)
    assert set(scores.n) == {4}


def test_the_mean_is_over_faults_and_severities_without_clean_photos() -> None:
    scores = evaluate_robustness(by_hand(), reference="note", replicates=20)
    photo, note = (line(scores, arm) for arm in ("photo", "note"))
    assert photo.clean == 1
    assert photo.estimate == pytest.approx((1 + 0.5 + 0.75 + 0) / 4)
    assert photo.change == pytest.approx(0.5625 - 1)
    assert note.estimate == note.clean == 0.75
    assert (note.change, note.change_low, note.change_high) == (0, 0, 0)
    assert photo.gain == pytest.approx(0.5625 - 0.75)
    assert note.gain == 0
    assert [bool(photo.reads_photos), bool(note.reads_photos)] == [True, False]
    assert np.isnan(line(evaluate_robustness(by_hand(), replicates=20), "photo").gain)


def test_estimates_and_intervals_are_those_of_the_other_tables(make_predictions) -> None:
    table = drawn_robustness(make_predictions)
    found = evaluate_robustness(table, replicates=100)
    for fault in (CLEAN, ("blur", 5)):
        rows = table[(table.corruption == fault[0]) & (table.severity == fault[1])]
        whole = evaluate(rows[rows.arm == "photo"], replicates=100)
        for metric in ("balanced_accuracy", "macro_auroc"):
            told = whole[(whole.metric == metric) & (whole.subset == "all")].iloc[0]
            scores = found.scores.set_index(["arm", "corruption", "severity", "metric"])
            got = scores.loc[("photo", *fault, metric)]
            assert got[["estimate", "low", "high"]].tolist() == pytest.approx(
                told[["estimate", "low", "high"]].tolist()
            )


def test_losses_are_paired_so_their_intervals_are_narrower_than_the_scores(make_predictions) -> None:
    found = evaluate_robustness(drawn_robustness(make_predictions), replicates=200)
    assert line(found, "note", "macro_auroc").change == 0  # to the last digit
    photo = line(found, "photo")
    assert photo.low < photo.estimate < photo.high
    assert photo.change_low < photo.change < photo.change_high < 0
    mild = found.scores.set_index(["arm", "corruption", "severity", "metric"]).loc[
        ("photo", "hair", 1, "balanced_accuracy")
    ]
    assert mild.change_high - mild.change_low < mild.high - mild.low


def test_the_order_of_rows_makes_no_difference(make_predictions) -> None:
    table = drawn_robustness(make_predictions)
    once, again = (evaluate_robustness(of, replicates=30) for of in (table, table.sample(frac=1, random_state=1)))
    for kind, keys in (("scores", ["arm", "corruption", "severity", "metric"]), ("means", ["arm", "metric"])):
        one, other = (getattr(of, kind).set_index(keys).sort_index() for of in (once, again))
        pd.testing.assert_frame_equal(one, other)


def test_faults_without_clean_photos_or_with_other_cases_are_refused() -> None:
    table = by_hand()
    with pytest.raises(DataError, match="needs the answers on clean photos"):
        evaluate_robustness(table[table.corruption != "clean"], replicates=20)
    with pytest.raises(DataError, match="needs the answers on clean photos"):
        evaluate_robustness(table[table.corruption == "clean"], replicates=20)
    with pytest.raises(DataError, match="the same cases under every fault, however, not: photo under blur 5"):
        evaluate_robustness(table.drop(index=table.index[8]), replicates=20)
    gone = table[(table.arm != "note") | (table.corruption != "hair")]
    with pytest.raises(DataError, match="note under hair 1, note under hair 5"):
        evaluate_robustness(gone, replicates=20)


def test_a_case_may_stand_once_under_every_fault() -> None:
    table = by_hand()
    check_predictions(table)
    with pytest.raises(DataError, match="a case may stand once"):
        check_predictions(pd.concat([table, table.iloc[:1]]))
