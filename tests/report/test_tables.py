from __future__ import annotations

import pandas as pd

from mmskin.evaluation.paired_tests import paired_tests
from mmskin.evaluation.results import Runs, evaluate_runs
from mmskin.report.tables import paired_tests_grid, result_grids


def test_the_grid_has_an_arm_a_line_and_says_that_nothing_is_corrected(make_predictions):
    skills = {"image": 0.5, "late": 3.0, "text": 0.7}
    arms = [make_predictions(arm=arm, skill=skill, rng_seed=i) for i, (arm, skill) in enumerate(skills.items())]
    tests = paired_tests(pd.concat(arms), reference="image", class_groups={"malignant": ["BCC", "MEL"]})
    grid = paired_tests_grid(tests)
    assert list(grid.head) == [
        "Arms",
        "Balanced accuracy",
        *(f"AUROC, {of}" for of in ("ACK", "BCC", "MEL", "NEV", "malignant")),
    ]
    assert [row[0] for row in grid.rows] == ["late \u2212 image", "text \u2212 image"]
    assert all(len(row) == len(grid.head) for row in grid.rows)
    assert grid.rows[0][1].endswith("(p < 0.001)")
    assert "not corrected" in grid.note


def test_classes_have_their_full_titles_where_the_data_set_declares_them(make_predictions):
    runs = Runs(make_predictions(), [{}], {}, {"MEL": "Melanoma", "NEV": "NEV"})
    grid = result_grids(evaluate_runs(runs, replicates=10))[-1]
    assert grid.title == "By class: image"
    assert [row[0] for row in grid.rows] == ["ACK", "BCC", "MEL: Melanoma", "NEV"]
