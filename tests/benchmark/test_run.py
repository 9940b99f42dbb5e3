from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from benchmark.small_benchmark import ARMS, run, small_benchmark

from mmskin.benchmark.answer import write_answer
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.errors import UserError
from mmskin.report.summary_lines import summary_lines


def test_every_arm_answers_for_the_same_patients_once_a_fold_and_seed(whole_grid: Path) -> None:
    table = pd.read_parquet(whole_grid / "predictions.parquet")
    assert list(table.arm.drop_duplicates()) == ["late", "image_only", "stacking", "regression"]
    cells = table.groupby(["fold", "seed", "split"]).agg({"arm": "nunique", "case_id": list})
    assert len(cells) == 2 * 2 * 2
    assert (cells.arm == len(ARMS)).all()
    for _, rows in table.groupby(["fold", "seed", "split"]):
        assert rows.groupby("arm").case_id.apply(frozenset).nunique() == 1


def test_an_arm_that_draws_nothing_is_run_once_and_stands_there_once_a_seed(whole_grid: Path) -> None:
    cells = {path.relative_to(whole_grid / "cells").parts[0] for path in whole_grid.rglob("cells/*/fold_0/seed_1")}
    assert cells == {"late", "image_only", "stacking"}
    table = pd.read_parquet(whole_grid / "predictions.parquet")
    first, second = (table[(table.arm == "regression") & (table.seed == seed)] for seed in (0, 1))
    again = second.assign(seed=0).reset_index(drop=True)
    pd.testing.assert_frame_equal(first.reset_index(drop=True), again, check_exact=True)


def test_costs_are_told_of_every_cell(whole_grid: Path) -> None:
    costs = json.loads((whole_grid / "costs.json").read_text())
    assert len(costs) == 3 * 4 + 2
    assert all(cost["fit_seconds"] > 0 and cost["fit_cpu_seconds"] > 0 for cost in costs)
    assert all((cost["parameters"] is None) == (cost["arm"] in ("stacking", "regression")) for cost in costs)


def test_a_cell_gives_the_same_bits_in_a_process_of_its_own_pool_and_in_this_one(
    whole_grid: Path, pad_folder: Path, tmp_path: Path
) -> None:
    table, _ = run(small_benchmark(pad_folder, tmp_path / "features"), tmp_path / "out")
    pooled = pd.read_parquet(whole_grid / "predictions.parquet")
    pd.testing.assert_frame_equal(table, pooled, check_exact=True)


def test_the_answer_names_the_primary_question_first_and_calls_the_rest_exploratory(whole_grid: Path) -> None:
    config = json.loads((whole_grid / "config.json").read_text())
    lines = summary_lines(write_answer(Benchmark.model_validate(config), whole_grid, [], replicates=100))
    assert lines[0] == "primary, named before the run:"
    assert lines[1].startswith("late - image_only, balanced accuracy: ")
    assert lines[3] == "exploratory:"
    of_differences = [line for line in lines[4:] if " - image_only, balanced accuracy: " in line]
    assert any(line.startswith("stacking - image_only") for line in of_differences)
    estimates = [float(line.split(" = ")[1].split()[0].replace("\u2212", "-")) for line in of_differences]
    assert estimates == sorted(estimates, reverse=True)
    assert "Everything else on this page is exploratory." in (whole_grid / "report.html").read_text()


def test_a_cell_that_fails_is_told_in_one_line_and_the_rest_goes_on(pad_folder: Path, tmp_path: Path) -> None:
    arms: dict[str, Any] = {
        "image_only": ARMS["image_only"],
        "majority": {"table": {"name": "majority"}},
        "broken": {"table": {"name": "logistic_regression", "c": [-1.0]}},
        "stacking": {"table": {"name": "stacking", "over": ["broken", "image_only"]}},
    }
    primary = {"arm": "image_only", "reference": "majority"}
    changed = {"arms": arms, "primary": primary, "seeds": [0], "data": {"test_folds": [0]}}
    table, failures = run(small_benchmark(pad_folder, tmp_path / "features", **changed), tmp_path / "out")
    assert set(table.arm) == {"image_only", "majority"}
    reasons = {failure.arm: failure.reason for failure in failures}
    assert set(reasons) == {"broken", "stacking"}
    assert "'C' parameter" in reasons["broken"]
    assert all("\n" not in reason for reason in reasons.values())
    assert json.loads((tmp_path / "out" / "failures.json").read_text()) == [failure._asdict() for failure in failures]


def test_another_benchmark_in_the_same_folder_is_refused(whole_grid: Path, pad_folder: Path) -> None:
    other = small_benchmark(pad_folder, whole_grid.parent / "features", training={"epochs": 3})
    match = r"begun with another configuration: training\.epochs of image_only, late; change it back"
    with pytest.raises(UserError, match=match):
        run(other, whole_grid)


def test_finished_cells_are_not_run_again(whole_grid: Path, pad_folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole_grid.rglob("cells/**/predictions.parquet")}
    assert len(before) == 14
    run(small_benchmark(pad_folder, whole_grid.parent / "features"), whole_grid)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_an_arm_added_to_a_finished_run_costs_its_own_cells_and_one_dropped_none(
    whole_grid: Path, pad_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(whole_grid, output)
    before = {path: path.stat().st_mtime_ns for path in output.rglob("cells/**/predictions.parquet")}
    arms = {name: arm for name, arm in ARMS.items() if name != "regression"}
    arms["majority"] = {"table": {"name": "majority"}}
    table, failures = run(small_benchmark(pad_folder, whole_grid.parent / "features", arms=arms), output)
    assert not failures
    assert list(table.arm.drop_duplicates()) == ["late", "image_only", "stacking", "majority"]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    first = pd.read_parquet(whole_grid / "predictions.parquet")
    kept = table[table.arm != "majority"].reset_index(drop=True)
    expected = first[first.arm != "regression"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, expected, check_exact=True)


def test_a_run_without_test_rows_leaves_validation_answers_alone(pad_folder: Path, tmp_path: Path) -> None:
    small = small_benchmark(pad_folder, tmp_path / "features", test=False, seeds=[0])
    table, failures = run(small, tmp_path / "out")
    assert not failures
    assert set(table.split) == {"val"}
    assert not (tmp_path / "out" / "missing.parquet").exists()
    results = write_answer(small, tmp_path / "out", [], replicates=100)
    assert set(results.metrics.arm) == set(ARMS)
    assert "Evaluated on validation rows" in (tmp_path / "out" / "report.html").read_text()


def test_a_folder_of_an_earlier_version_or_of_something_else_is_refused_by_name(
    pad_folder: Path, tmp_path: Path
) -> None:
    small = small_benchmark(pad_folder, tmp_path / "features")
    for name, match in (("config.json", "a run of an earlier mmskin"), ("thesis.docx", "holds no run: thesis.docx")):
        output = tmp_path / name.partition(".")[0]
        output.mkdir()
        (output / name).write_text("{}")
        with pytest.raises(UserError, match=match):
            run(small, output)
