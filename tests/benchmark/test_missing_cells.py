from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmark.small_benchmark import ARMS, planned_run, run, small_benchmark

from mmskin.benchmark.benchmark_config import Benchmark, MissingParts
from mmskin.benchmark.missing_cells import altered_rows, asked_once
from mmskin.benchmark.run.cell import run_cell
from mmskin.benchmark.run.feature_task import compute_features, feature_tasks
from mmskin.benchmark.run.grid import Cell
from mmskin.data.load import Fold
from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.missing_curves import evaluate_missing
from mmskin.evaluation.predictions import read_predictions
from mmskin.report.sections.missing_parts import missing_grids, missing_pictures
from mmskin.schema import Schema

NOTE: dict[str, Any] = {"fusion": {"name": "text_only"}}
OVER_BOTH: dict[str, Any] = {"table": {"name": "stacking", "over": ["note", "image_only"]}}


def one_cell_each(pad_folder: Path, output: Path, **changed: Any) -> Benchmark:
    """Photo, note and their stack; one seed, one fold and one rate."""
    arms = {"image_only": ARMS["image_only"], "note": NOTE, "stack": OVER_BOTH}
    given: dict[str, Any] = {
        "arms": arms,
        "seeds": [0],
        "data": {"test_folds": [0]},
        "missing_parts": {"rates": [0.5]},
    } | changed
    primary = {"arm": "note", "reference": "image_only"}
    return small_benchmark(pad_folder, output.parent / "features", primary=primary, **given)


def fold_of(benchmark: Benchmark, output: Path) -> Fold:
    return planned_run(benchmark, output).folds["note", 0]


def probabilities(table: pd.DataFrame) -> Floats:
    return np.asarray(table.filter(like="prob_").to_numpy(dtype=np.float64))


def files(folder: Path, pattern: str) -> set[Path]:
    return set(folder.rglob(pattern))


# --- the whole benchmark ---


def test_every_arm_answers_for_the_same_cases_in_every_scenario(whole_grid: Path) -> None:
    table = read_predictions(whole_grid / "missing.parquet")
    assert list(table.arm.drop_duplicates()) == ["late", "image_only", "stacking", "regression"]
    cases = table.groupby(["arm", "scenario", "rate"]).case_id.apply(frozenset)
    assert len(cases) == len(ARMS) * (
        3 + 2 + 3 * 2
    )  # complete; a part left; a part exchanged; three mechanisms, two rates
    assert cases.nunique() == 1
    assert set(table.seed) == {0}
    assert set(table.split) == {"test"}
    assert not files(whole_grid, "cells/*/*/seed_1/missing.parquet")


def test_complete_cases_are_answered_bit_for_bit_as_in_the_predictions(whole_grid: Path) -> None:
    missing, predictions = (pd.read_parquet(whole_grid / f"{name}.parquet") for name in ("missing", "predictions"))
    complete = missing[missing.scenario == "complete"].drop(columns=["scenario", "rate", "answered"])
    test = predictions[(predictions.split == "test") & (predictions.seed == 0)]
    pd.testing.assert_frame_equal(complete.reset_index(drop=True), test.reset_index(drop=True), check_exact=True)


def test_the_page_is_made_of_the_gathered_table(whole_grid: Path) -> None:
    losses = evaluate_missing(read_predictions(whole_grid / "missing.parquet"), replicates=100)
    parts, hidden = missing_grids(losses)
    assert [row[0] for row in parts.rows] == [row[0] for row in hidden.rows] == list(ARMS)
    assert list(parts.head) == ["Arm", "Complete", "Photo alone", "Fields alone", "n"]
    assert len(missing_pictures(losses, first=["late", "image_only"])) == 1
    image_only = losses.scores[(losses.scores.arm == "image_only") & (losses.scores.scenario != "fields")]
    assert (image_only[["change", "change_low", "change_high"]] == 0).to_numpy().all()


# --- cell by cell ---


@pytest.fixture(scope="module")
def small_output(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("missing") / "out"
    assert not run(one_cell_each(pad_folder, output), output)[1]
    return output


def of(output: Path, arm: str, scenario: str) -> pd.DataFrame:
    table = read_predictions(Cell(arm, 0, 0).missing(output))
    return table[table.scenario == scenario].reset_index(drop=True)


def test_an_arm_with_nothing_to_go_by_gives_a_forced_answer_and_says_so(small_output: Path) -> None:
    photo = of(small_output, "note", "photo")
    assert not photo.answered.any()
    predictions = read_predictions(small_output / "predictions.parquet")
    val = predictions[(predictions.arm == "note") & (predictions.split == "val")]
    assert probabilities(photo) == pytest.approx(np.tile(probabilities(val).mean(axis=0), (len(photo), 1)))
    assert of(small_output, "note", "fields").answered.all()
    assert not of(small_output, "image_only", "fields").answered.any()
    some = of(small_output, "note", "in_blocks").answered
    assert some.any()
    assert not some.all()


def test_an_arm_that_reads_photos_alone_answers_the_same_whatever_fields_are_hidden(small_output: Path) -> None:
    complete = probabilities(of(small_output, "image_only", "complete"))
    for scenario in ("photo", "at_random", "in_blocks", "not_at_random"):
        assert probabilities(of(small_output, "image_only", scenario)) == pytest.approx(complete, abs=1e-6)
        if scenario != "photo":
            note = probabilities(of(small_output, "note", scenario))
            assert np.abs(note - probabilities(of(small_output, "note", "complete"))).max() > 1e-4


def test_stacking_reads_the_answers_of_its_arms_with_the_same_parts_missing(small_output: Path) -> None:
    assert not of(small_output, "stack", "photo").answered.any()  # for the note has no answer to a photo
    hidden = of(small_output, "stack", "in_blocks")
    assert hidden.answered.tolist() == of(small_output, "note", "in_blocks").answered.tolist()
    complete, halved = (of(small_output, "stack", scenario) for scenario in ("complete", "at_random"))
    changed = np.abs(probabilities(halved) - probabilities(complete)).max(axis=1)
    told = [probabilities(of(small_output, "note", scenario)) for scenario in ("at_random", "complete")]
    same = np.abs(told[0] - told[1]).max(axis=1) == 0
    assert (changed[same] == 0).all()
    assert changed[~same].min() > 0  # a little: two epochs teach the note little


def test_switched_off_nothing_is_written_and_no_digit_of_the_predictions_changes(
    small_output: Path, pad_folder: Path, tmp_path: Path
) -> None:
    run(one_cell_each(pad_folder, tmp_path / "out", missing_parts=None), tmp_path / "out")
    assert not files(tmp_path, "missing.parquet")
    first, second = (pd.read_parquet(folder / "predictions.parquet") for folder in (small_output, tmp_path / "out"))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_cells_find_every_note_and_compute_none(pad_folder: Path, tmp_path: Path) -> None:
    modes = {mode: NOTE | {"missingness": mode} for mode in ("visible", "equalized", "always_recorded")}
    benchmark = one_cell_each(
        pad_folder, tmp_path / "out", arms={"image_only": ARMS["image_only"], "note": NOTE, **modes}
    )
    plan = planned_run(benchmark, tmp_path / "out")
    for task in feature_tasks(plan.arms.values(), plan.folds, plan.missing_rates):
        compute_features(task)
    before = files(tmp_path / "features", "*")
    assert before
    for arm in plan.arms.values():
        for cell in plan.cells(arm):
            run_cell(plan.task(arm, cell, progress=False))
    assert files(tmp_path / "features", "*") == before
    note, seen, blind = (
        probabilities(of(tmp_path / "out", arm, "at_random").sort_values("case_id"))
        for arm in ("note", "visible", "always_recorded")
    )
    assert note == pytest.approx(seen, abs=1e-9), "the data section says visible"
    assert np.abs(seen - blind).max() > 1e-6


# --- what is hidden ---


def test_fields_are_hidden_of_those_that_the_arm_sees(pad_folder: Path, tmp_path: Path) -> None:
    def histories_of(mode: str) -> Iterable[tuple[Fold, pd.DataFrame]]:
        benchmark = one_cell_each(pad_folder, tmp_path / "out", data={"missingness": mode})
        fold = fold_of(benchmark, tmp_path / "out")
        return ((fold, rows) for rows in altered_rows(fold, [0.5], seed=0) if rows.scenario[0] == "not_at_random")

    for mode in ("visible", "equalized", "always_recorded"):
        for fold, rows in histories_of(mode):
            before = fold.split.test
            seen = list(fold.schema.field_names)
            hidden = before[seen].notna().sum() - rows[seen].notna().sum()
            assert hidden.tolist() == [round(0.5 * n) for n in before[seen].notna().sum()]
            others = [name for name in before.columns if name not in seen]
            assert rows[others].equals(before[others])


def test_equal_cases_are_asked_once_and_cases_get_their_own_answers(pad_folder: Path, tmp_path: Path) -> None:
    benchmark = one_cell_each(pad_folder, tmp_path / "out")
    fold = fold_of(benchmark, tmp_path / "out")
    asked: list[str] = []

    def recorded_fields(rows: pd.DataFrame) -> Floats:
        asked.extend(rows.case_id)
        return np.array(rows[list(fold.schema.field_names)].notna().sum(axis=1).to_numpy(dtype=np.float64))[:, None]

    ask = asked_once(recorded_fields, fold.schema)
    tables = list(altered_rows(fold, [0.5], seed=0))
    for rows in [*tables, *tables]:
        assert (ask(rows) == recorded_fields(rows)).all()
    asked.clear()
    ask(tables[0])
    assert asked == []


def test_a_photo_under_another_kind_is_another_case() -> None:
    schema = Schema(name="pair", classes=("a", "b"), photos=("clinical", "dermoscopic"))
    rows = pd.DataFrame({"case_id": ["c"] * 2, "images": [("a.jpg",)] * 2, "text": None, "image_kinds": None})
    rows["image_kinds"] = pd.Series([("clinical",), ("dermoscopic",)], dtype=object)

    def first_kind(table: pd.DataFrame) -> Floats:
        return np.array([[float(kinds == ("clinical",))] for kinds in table.image_kinds])

    ask = asked_once(first_kind, schema)
    assert [float(ask(rows.iloc[[place]])[0, 0]) for place in (0, 1)] == [1.0, 0.0]


def test_rates_that_do_not_rise_between_0_and_1_are_refused() -> None:
    for rates in ([0.5, 0.1], [0.0, 0.5], [0.5, 1.0], [0.5, 0.5], []):
        with pytest.raises(ConfigError, match=r"missing_parts\.rates"):
            small_benchmark(Path("data"), Path("data"), missing_parts={"rates": rates})
    assert MissingParts().rates == [0.1, 0.3, 0.5, 0.7, 0.9]
