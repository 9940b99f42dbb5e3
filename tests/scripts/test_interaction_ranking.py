"""The script that ranks arms against the truth: that its ceilings are the exact ones, and its verdicts right."""

from __future__ import annotations

from pathlib import Path

import interaction_ranking as ranking
import numpy as np
import pandas as pd
import pytest
from benchmark.small_benchmark import ThisProcess

from mmskin.evaluation.differences import Difference
from mmskin.evaluation.intervals import evaluate
from mmskin.evaluation.predictions import check_predictions, probabilities
from mmskin.synthetic import (
    Missing,
    SyntheticCase,
    Truth,
    ceiling,
    default_design,
    draw_cases,
    late_ceiling,
    oracle_probs,
)

FEW = (
    "arms={image_only: {fusion: {name: image_only}}, late: {fusion: {name: late}}, majority: {table: {name: majority}},"
    " cross_attention: {fusion: {name: cross_attention, hidden_dim: 8, num_heads: 2}},"
    " stacking: {table: {name: stacking, over: [late, image_only]}}}"
)


def drawn(interaction: float, n: int) -> tuple[Truth, list[SyntheticCase], pd.DataFrame]:
    """Cases without photos, and a place for answers to them."""
    design = default_design(interaction=interaction)
    cases = draw_cases(design, n, seed=3)
    ids = {"case_id": [c.case_id for c in cases], "patient_id": [c.patient_id for c in cases]}
    rows = pd.DataFrame({**ids, "fold": 0, "seed": 0, "arm": "arm", "split": "test"})
    rows["target"] = [c.target for c in cases]
    return Truth(design, Missing(), None), cases, rows.assign(**{f"prob_{name}": 1 / 6 for name in design.classes})


@pytest.mark.parametrize("interaction", [0.0, 1.0])
def test_an_arm_has_the_ceiling_of_what_it_is_shown(tmp_path: Path, interaction: float) -> None:
    truth, cases, rows = drawn(interaction, 4000)
    design = truth.design
    benchmark = ranking.question(tmp_path, tmp_path)
    exact = {
        "image_only": ceiling(design, seen=tuple(design.photo)),
        "text_only": ceiling(design, seen=tuple(design.history)),
        "gradient_boosting": ceiling(design, seen=tuple(design.history)),
        "late": late_ceiling(design),
        "stacking": late_ceiling(design),
        "logistic_regression_both": late_ceiling(design),
        "metablock": ceiling(design, seen=design.attributes),
        "cross_attention": ceiling(design, seen=design.attributes),
        "majority": ceiling(design, seen=()),
    }
    for arm, best in exact.items():
        answer = ranking.bayes(benchmark, arm, rows, cases=cases, truth=truth)
        found = evaluate(check_predictions(answer), replicates=1)
        reached = found.loc[found["metric"] == "balanced_accuracy", "estimate"].iloc[0]
        # Of 4,000 cases the rarest class has some 400: a standard error of .01.
        assert reached == pytest.approx(best.balanced_accuracy, abs=0.03), arm


def test_a_ceiling_is_bayes_over_the_prior(tmp_path: Path) -> None:
    truth, cases, rows = drawn(1.0, 50)
    benchmark = ranking.question(tmp_path, tmp_path)
    prior = np.array(truth.design.prior)
    for arm, parts in {"image_only": {"history": False}, "text_only": {"photo": False}, "film": {}}.items():
        mass = probabilities(ranking.bayes(benchmark, arm, rows, cases=cases, truth=truth)) * prior
        assert mass / mass.sum(axis=1, keepdims=True) == pytest.approx(oracle_probs(cases, truth, **parts))
    nothing = ranking.bayes(benchmark, "majority", rows, cases=cases, truth=truth)
    assert probabilities(nothing) == pytest.approx(1 / 6)


def test_what_every_arm_is_shown(tmp_path: Path) -> None:
    benchmark = ranking.question(tmp_path, tmp_path)
    seen = {name: ranking.shown(benchmark, name) for name in benchmark.arms}
    assert seen["majority"] == set()
    assert seen["image_only"] == {"photo"}
    one = {"text_only", "metadata_only", "logistic_regression", "gradient_boosting"}
    assert {name for name in seen if seen[name] == {"history"}} == one
    assert {name for name in seen if len(seen[name]) == 2} == set(seen) - one - {"majority", "image_only"}


def test_claims_are_of_arms_that_the_config_has(tmp_path: Path) -> None:
    arms = set(ranking.question(tmp_path, tmp_path).arms)
    for claims in ranking.CLAIMS.values():
        assert {arm for claim in claims for arm in (claim.above, claim.below)} <= arms


@pytest.mark.parametrize(
    ("margin", "low", "high", "verdict"),
    [
        (0, 0.01, 0.03, "as the truth says"),
        (5, 0.01, 0.03, "against the truth"),
        (5, 0.04, 0.06, "not shown"),
        (-2, -0.01, 0.01, "as the truth says"),
        (-2, -0.03, 0.01, "not shown"),
        (-2, -0.05, -0.03, "against the truth"),
    ],
)
def test_a_verdict_rests_on_the_whole_interval(margin: float, low: float, high: float, verdict: str) -> None:
    middle = (low + high) / 2
    difference = Difference("balanced_accuracy", "", middle, low, high, 0.5, 0.5, 0.1, "", 100, 90)
    assert ranking.Claim("a", "b", margin).verdict(difference) == verdict


def test_the_whole_way_on_a_tiny_clinic(tmp_path: Path) -> None:
    ranking.teach(tmp_path, cases=60, epochs=1)
    few = (FEW, "training.epochs=1", "encoders.text.dim=8")
    found = ranking.rank(tmp_path, 1.0, cases=120, seed=8, executor=ThisProcess(), overrides=few)
    arms = {row["arm"]: row for row in found["arms"]}
    assert list(arms)[:2] == ["cross_attention", "late"]  # primary and reference first
    assert arms["majority"]["estimate"] == arms["majority"]["ceiling"] == pytest.approx(1 / 6)
    assert arms["majority"]["behind"]["estimate"] == 0
    for row in arms.values():
        assert row["behind"]["estimate"] == pytest.approx(row["ceiling"] - row["estimate"])
        assert row["n"] == pytest.approx(60, abs=3)
    # A claim whose arm was left out is not judged.
    judged = [(claim["above"], claim["below"], claim["margin"]) for claim in found["claims"]]
    assert judged == [("late", "image_only", 0), ("cross_attention", "late", 5), ("late", "stacking", -3)]
