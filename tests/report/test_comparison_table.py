"""The comparison as CSV and LaTeX holds the numbers of the results."""

from __future__ import annotations

from io import StringIO

import pandas as pd
import pytest
from made_predictions import make

from mmskin.evaluation.results import Results, Runs, evaluate_runs
from mmskin.report.comparison_table import comparison_cells, csv_table, latex_table


@pytest.fixture(scope="module")
def results() -> Results:
    arms = [make(arm="late", skill=2.0), make(arm="image_only", rng_seed=1)]
    runs = Runs(pd.concat(arms, ignore_index=True), [], {})
    return evaluate_runs(runs, reference="image_only", metric="brier", metrics=["macro_f1"], replicates=50)


def test_csv_has_a_row_an_arm_and_metric_with_the_difference_beside(results: Results) -> None:
    table = pd.read_csv(StringIO(csv_table(results)))
    assert table[["arm", "metric"]].to_numpy().tolist() == [
        ["late", "brier"],
        ["image_only", "brier"],
        ["late", "macro_f1"],
        ["image_only", "macro_f1"],
    ]
    late, reference = table.iloc[0], table.iloc[1]
    assert late.estimate - reference.estimate == pytest.approx(late.difference_estimate)
    assert late.difference_low < late.difference_estimate < late.difference_high
    assert pd.isna(reference.difference_estimate)


def test_columns_are_the_metrics_that_are_shown(results: Results) -> None:
    header, rows = comparison_cells(results)
    assert header == ["Arm", "Brier", "Macro f1", "Difference to image_only", "p"]
    assert [row[0] for row in rows] == ["late", "image_only"]
    assert latex_table(results).startswith(r"\begin{tabular}{lrrrr}")


def test_without_a_reference_there_is_no_difference() -> None:
    alone = evaluate_runs(Runs(make(), [], {}), replicates=20)
    assert "difference_estimate" not in csv_table(alone).splitlines()[0]
