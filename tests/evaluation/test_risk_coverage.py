from __future__ import annotations

from functools import partial
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from mmskin.errors import ConfigError
from mmskin.evaluation import metrics
from mmskin.evaluation.intervals import draw_patients
from mmskin.evaluation.predictions import probabilities, target_codes
from mmskin.evaluation.risk_coverage import aurc, risk_coverage, selective_balanced_risk, selective_risk


def answers(confidence: list[float], wrong: list[int]):
    """Two classes; the answer is always the first one."""
    first = np.array(confidence)
    return np.array(wrong), np.stack([first, 1 - first], axis=1)


def test_the_curve_and_its_area_by_hand() -> None:
    # Right, wrong, right, wrong from the surest on: risks 0, 1/2, 1/3, 1/2; their mean is 1/3.
    target, probs = answers([0.7, 0.9, 0.6, 0.8], [0, 0, 1, 1])
    assert selective_risk(target, probs, coverages=[0.25, 0.5, 0.75, 1]) == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert aurc(target, probs) == pytest.approx(1 / 3)
    assert selective_risk(target, probs, coverages=[0.375]) == pytest.approx([0.5 / 1.5])  # half of the wrong one


def test_ties_are_the_mean_over_all_orders() -> None:
    confidence, wrong = [0.9, 0.8, 0.8, 0.8, 0.6], [0, 1, 0, 1, 0]
    target, probs = answers(confidence, wrong)
    curves = []
    for tied in permutations([1, 2, 3]):
        errors = np.array(wrong)[[0, *tied, 4]]
        curves.append(errors.cumsum() / np.arange(1, 6))
    assert aurc(target, probs) == pytest.approx(np.mean(curves))
    found = selective_risk(target, probs, coverages=[0.2, 0.4, 0.6, 0.8, 1])
    assert found == pytest.approx(np.mean(curves, axis=0))


def test_balanced_risk_by_hand() -> None:
    # The two surest are of class 0, both right; the third is of class 1 and wrong: (0 + 1) / 2. The two last are of
    # class 0 again and right: (0 + 1) / 2 once more, where the plain risk is 1/5.
    target, probs = answers([0.9, 0.8, 0.7, 0.6, 0.55], [0, 0, 1, 0, 0])
    assert selective_balanced_risk(target, probs, coverages=[0.4, 0.6, 1]) == pytest.approx([0, 0.5, 0.5])


def test_a_share_that_float64_cannot_write_answers_no_case_more() -> None:
    assert 0.56 * 25 > 14
    target, probs = answers(list(np.linspace(0.99, 0.6, 25)), [0] * 14 + [1] + [0] * 10)
    found = selective_balanced_risk(target, probs, coverages=[0.56, 0.6])
    assert found == pytest.approx([0, 0.5])  # the 15th is the only one of class 1


def test_everything_answered_is_the_plain_error(make_predictions) -> None:
    rows = make_predictions(n=200)
    target, probs = target_codes(rows), probabilities(rows)
    weights = draw_patients(rows["patient_id"], replicates=5).weights(rows["patient_id"])
    assert selective_risk(target, probs, weights, coverages=[1])[:, 0] == pytest.approx(
        1 - metrics.accuracy(target, probs, weights)
    )
    assert selective_balanced_risk(target, probs, weights, coverages=[1])[:, 0] == pytest.approx(
        1 - metrics.balanced_accuracy(target, probs, weights)
    )


def test_an_integer_weight_is_a_repeated_row_and_the_order_is_nothing(make_predictions) -> None:
    rows = make_predictions(n=60)
    target, probs = target_codes(rows), np.round(probabilities(rows), 1)  # ties
    rng = np.random.default_rng(0)
    weights = rng.multinomial(60, np.full(60, 1 / 60), size=3).astype(float)
    for compute in (aurc, partial(selective_risk, coverages=[0.31, 0.7]), selective_balanced_risk):
        together = compute(target, probs, weights)
        for one, value in zip(weights, together, strict=True):
            repeated = rng.permutation(np.repeat(np.arange(60), one.astype(int)))
            assert compute(target[repeated], probs[repeated]) == pytest.approx(value)


def test_confidence_that_says_nothing_has_the_plain_error_as_area() -> None:
    target, probs = answers([0.6] * 10, [1, 0, 0, 1, 0, 0, 0, 0, 0, 1])
    assert aurc(target, probs) == pytest.approx(0.3)
    assert selective_risk(target, probs, coverages=[0.05]) == pytest.approx([0.3])


def test_the_table_holds_the_curve_of_every_arm_with_intervals(make_predictions) -> None:
    first, second = make_predictions(n=80, skill=2, seeds=2), make_predictions(n=80, arm="note", rng_seed=1)
    table = risk_coverage(pd.concat([first, second]), coverages=[0.5, 1], replicates=200)
    assert list(table["metric"]) == ["risk", "risk", "balanced_risk", "balanced_risk", "aurc"] * 2
    assert table["coverage"].isna().sum() == 2
    assert (table["low"] < table["high"]).all()
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()
    by_seed = [aurc(target_codes(rows), probabilities(rows)) for _, rows in first.groupby("seed")]
    assert table["estimate"][4] == pytest.approx(np.mean(by_seed))
    assert (table["n"] == 80).all()
    assert (table["patients"] == first["patient_id"].nunique()).all()


def test_chunks_change_nothing(make_predictions, monkeypatch) -> None:
    rows = make_predictions(n=50, seeds=2)
    whole = risk_coverage(rows, replicates=40)
    monkeypatch.setattr("mmskin.evaluation.risk_coverage.CHUNK", 350)
    pd.testing.assert_frame_equal(risk_coverage(rows, replicates=40), whole)


def test_no_weight_has_no_risk() -> None:
    target, probs = answers([0.9, 0.8], [0, 1])
    nothing = np.zeros(2)
    assert np.isnan(aurc(target, probs, nothing))
    assert np.isnan(selective_risk(target, probs, nothing)).all()
    assert np.isnan(selective_balanced_risk(target, probs, nothing)).all()


@pytest.mark.parametrize("coverage", [0, 1.5])
def test_a_coverage_that_is_no_share_is_refused(coverage) -> None:
    target, probs = answers([0.9, 0.8], [0, 1])
    with pytest.raises(ConfigError, match=f"however: coverage={coverage}"):
        selective_risk(target, probs, coverages=[0.5, coverage])
