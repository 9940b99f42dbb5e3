from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from made_predictions import make

from mmskin.evaluation.results import Runs, evaluate_runs
from mmskin.report.results_report import write_report
from mmskin.report.summary_lines import summary_lines


@pytest.fixture(scope="module")
def runs() -> Runs:
    skills = {"image": 0.5, "text": 0.2, "late": 1.0, "film": 2.5}
    arms = [make(arm=arm, skill=skill, rng_seed=i) for i, (arm, skill) in enumerate(skills.items())]
    return Runs(pd.concat(arms, ignore_index=True), [], {"malignant": ("BCC", "MEL")})


def test_the_primary_difference_is_said_first_with_all_that_it_rests_on(runs: Runs, tmp_path: Path) -> None:
    results = evaluate_runs(runs, reference="image", primary="late", metric="log_loss", replicates=100)
    write_report(results, tmp_path, title="t")
    lines, saved = summary_lines(results), json.loads((tmp_path / "results.json").read_text())
    assert lines[0] == "primary, named before the run:"
    row = saved["differences"][1]
    assert (row["arm"], row["metric"], row["role"]) == ("late", "log_loss", "primary")
    value = {m["arm"]: m["estimate"] for m in saved["metrics"] if (m["subset"], m["metric"]) == ("all", "log_loss")}
    low, high = (f"\u2212{-row[end]:.3f}" for end in ("low", "high"))  # less log-loss is better: all are negative
    assert lines[1] == (
        f"late - image, log loss: {value['late']:.3f} \u2212 {value['image']:.3f} = \u2212{-row['estimate']:.3f} "
        f"[{low}, {high}], p = {row['p']:.3f} "
        f"(p = {row['p_holm_all']:.3f} by Holm over all arms), better; detectable {row['detectable']:.3f}"
    )
    assert row["p"] < row["p_holm_all"]
    assert f"late {value['late']:.3f} [" in (tmp_path / "report.html").read_text()
    assert lines[2:4] == ["", "exploratory:"]
    # The primary metric, then the standard ones; in each the best arm first, which in log-loss is the lowest.
    said = [line.split(": ")[0] for line in lines[4:] if " - image, " in line]
    assert said[:2] == ["film - image, log loss", "text - image, log loss"]
    for metric in ("balanced accuracy", "macro auroc"):
        of_metric = [line.split(" - ")[0] for line in said if line.endswith(metric)]
        assert of_metric == ["film", "late", "text"]
    assert len(said) == 8


def test_without_a_primary_nothing_is_called_that(runs: Runs) -> None:
    for primary in (None, "image"):
        lines = summary_lines(evaluate_runs(runs, reference="image", primary=primary, replicates=100))
        assert lines[0].startswith("arm ")
        assert not any("primary" in line or "exploratory" in line for line in lines)


def test_further_tests_stand_in_the_report_and_in_the_file(runs: Runs, tmp_path: Path) -> None:
    results = evaluate_runs(runs, reference="image", primary="late", replicates=100)
    write_report(results, tmp_path, title="t")
    saved = json.loads((tmp_path / "results.json").read_text())
    assert len(saved["tests"]) == 3 * (1 + 4 + 1)
    assert {row["test"] for row in saved["tests"]} == {"permutation", "delong"}
    page = (tmp_path / "report.html").read_text()
    assert "Further paired tests" in page
    assert "AUROC, malignant" in page
    assert "p (Holm, all arms)" in page
