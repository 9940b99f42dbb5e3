from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mmskin.evaluation.results import Runs, evaluate_runs
from mmskin.report.headline import answer, headline


def row(verdict: str, estimate: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    compared = {"arm": "late", "reference": "image_only", "metric": "balanced_accuracy", "p_adjusted": 0.003}
    return {**compared, "verdict": verdict, "estimate": estimate, "low": low, "high": high, **more}


@pytest.mark.parametrize(
    ("compared", "added", "told"),
    [
        (
            row("better", 0.1, 0.04, 0.16),
            "the history",
            "The history adds +0.100 [0.040, 0.160] balanced accuracy (late against image_only, p = 0.003).",
        ),
        (
            row("better", 0.1, 0.04, 0.16),
            "",
            "late adds +0.100 [0.040, 0.160] balanced accuracy over image_only (p = 0.003).",
        ),
        (
            row("worse", -0.1, -0.16, -0.04),
            "the history",
            "The history does harm: \u22120.100 [\u22120.160, \u22120.040] balanced accuracy "
            "(late against image_only, p = 0.003).",
        ),
        (
            row("not distinguishable", 0.01, -0.04, 0.06, p_adjusted=0.7),
            "the history",
            "No difference by the history can be told: +0.010 [\u22120.040, 0.060] balanced accuracy "
            "(late against image_only, p = 0.700).",
        ),
        (
            row("not distinguishable", 0.01, -0.04, 0.06, p_adjusted=0.7),
            "",
            "No difference between late and image_only can be told: +0.010 [\u22120.040, 0.060] balanced accuracy "
            "(p = 0.700).",
        ),
        (
            row("better", -0.1, -0.16, -0.04, metric="log_loss"),
            "",
            "late improves log-loss by \u22120.100 [\u22120.160, \u22120.040] (late against image_only, p = 0.003).",
        ),
    ],
)
def test_the_first_sentence_is_the_answer(compared: dict[str, Any], added: str, told: str) -> None:
    assert answer(compared, added=added) == told


def test_an_interval_that_holds_zero_is_no_difference_whatever_the_verdict() -> None:
    assert answer(row("better", 0.05, -0.001, 0.1)).startswith("No difference between late and image_only can be told")


def test_scores_of_all_arms_follow_where_they_are_few(make_predictions: Any) -> None:
    arms = [make_predictions(arm=f"a{k}", rng_seed=k, skill=k) for k in range(7)]
    few, many = (
        evaluate_runs(Runs(pd.concat(arms[:n]), [{}], {}), reference="a0", primary="a3", replicates=50) for n in (4, 7)
    )
    assert [f"a{k} 0." in headline(few)[1] for k in range(4)] == [True] * 4
    assert [f"a{k} 0." in headline(many)[1] for k in range(4)] == [True, False, False, True]
    assert "test cases of" in headline(few)[1]
