from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmark.small_benchmark import ARMS, planned_run, run, small_benchmark
from PIL import Image
from small_experiment import ENCODERS

from mmskin.benchmark.answer import write_answer
from mmskin.benchmark.arms import Fitted
from mmskin.benchmark.benchmark_config import Benchmark, Robustness
from mmskin.benchmark.robustness_cells import corrupted_answers
from mmskin.benchmark.run.grid import Cell
from mmskin.errors import ConfigError, UserError
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import read_predictions
from mmskin.inputs.corruptions import CORRUPTIONS, Corruption, corrupt
from mmskin.inputs.photos import open_rgb

TRAINED: dict[str, Any] = {
    "fusion": {"name": "image_only"},
    "encoders": {"image": ENCODERS["image"]},
    "training": {"test_views": 2, "augment": "light"},
}
OVER_BOTH: dict[str, Any] = {"table": {"name": "stacking", "over": ["note", "image_only"]}}
SEVERAL: dict[str, Any] = {
    "late": ARMS["late"],
    "image_only": ARMS["image_only"],
    "note": {"fusion": {"name": "text_only"}},
    "regression": ARMS["regression"],
    "stack": OVER_BOTH,
    "trained": TRAINED,
    "late-shuffled": ARMS["late"] | {"shuffle_histories": True},
    "late-ensemble": {"table": {"name": "averaging", "over": ["late"], "seeds": "all"}},
}
ASKED = {"corruptions": ["dark", "ruler"], "severities": [1, 5]}
FAULTS = [("clean", 0), ("dark", 1), ("dark", 5), ("ruler", 1), ("ruler", 5)]
READS_PHOTOS = ["late", "image_only", "regression", "stack", "trained"]


def asked_benchmark(pad_folder: Path, output: Path, **changed: Any) -> Benchmark:
    given: dict[str, Any] = {"arms": SEVERAL, "data": {"test_folds": [0]}, "missing_parts": None, "robustness": ASKED}
    return small_benchmark(pad_folder, output.parent / "features", **(given | changed))


@pytest.fixture(scope="module")
def output(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("robustness") / "out"
    assert not run(asked_benchmark(pad_folder, place), place)[1]
    return place


def of(output: Path, arm: str, corruption: str, severity: int) -> pd.DataFrame:
    table = read_predictions(Cell(arm, 0, 0).robustness(output))
    chosen = (table.corruption == corruption) & (table.severity == severity)
    return table[chosen].sort_values("case_id").reset_index(drop=True)


def probabilities(table: pd.DataFrame) -> Floats:
    return np.asarray(table.filter(like="prob_").to_numpy(dtype=np.float64))


def change(output: Path, arm: str, corruption: str, severity: int) -> Floats:
    """(N,) largest change of a probability, by case."""
    clean, faulty = (probabilities(of(output, arm, *fault)) for fault in (("clean", 0), (corruption, severity)))
    return np.asarray(np.abs(faulty - clean).max(axis=1))


def test_every_arm_answers_for_the_same_cases_under_every_fault(output: Path) -> None:
    table = read_predictions(output / "robustness.parquet")
    assert [*dict.fromkeys(table.arm)] == ["late", "image_only", "note", "regression", "stack", "trained"]
    assert [*dict.fromkeys(zip(table.corruption, table.severity, strict=True))] == FAULTS
    cases = table.groupby(["arm", "corruption", "severity"]).case_id.apply(frozenset)
    assert cases.nunique() == 1
    assert table.answered.all()
    assert set(table.seed) == {0}
    assert set(table.split) == {"test"}
    assert not list(output.rglob("seed_1/robustness.parquet"))


def test_clean_photos_are_answered_bit_for_bit_as_in_the_predictions(output: Path) -> None:
    asked, predictions = (pd.read_parquet(output / f"{name}.parquet") for name in ("robustness", "predictions"))
    clean = asked[asked.corruption == "clean"].drop(columns=["corruption", "severity", "answered"])
    test = predictions[(predictions.split == "test") & (predictions.seed == 0) & predictions.arm.isin(clean.arm)]
    pd.testing.assert_frame_equal(clean.reset_index(drop=True), test.reset_index(drop=True), check_exact=True)


@pytest.mark.parametrize("arm", READS_PHOTOS)
def test_an_arm_that_reads_photos_answers_otherwise_under_a_fault(output: Path, arm: str) -> None:
    for name in ASKED["corruptions"]:
        assert change(output, arm, str(name), 5).max() > 1e-6  # two epochs teach a stack little


def test_an_arm_that_reads_no_photo_answers_the_same_bit_for_bit(output: Path) -> None:
    for name, severity in FAULTS:
        assert change(output, "note", name, severity).max() == 0


def test_an_arm_that_reads_no_photo_is_not_asked_again(output: Path, pad_folder: Path) -> None:
    fold = planned_run(asked_benchmark(pad_folder, output), output).folds["note", 0]

    def never(rows: pd.DataFrame) -> Floats:
        raise AssertionError("asked")

    predictions = read_predictions(Cell("note", 0, 0).predictions(output))
    asked = {"cell": Cell("note", 0, 0), "predictions": predictions, "corruptions": [Corruption("dark", 5)]}
    table = corrupted_answers(Fitted(never), fold, **asked, reads_photos=False)
    assert len(table) == 2 * len(fold.split.test)
    with pytest.raises(AssertionError, match="asked"):
        corrupted_answers(Fitted(never), fold, **asked, reads_photos=True)


def test_a_case_without_an_answer_has_the_forced_one_under_every_fault(output: Path, pad_folder: Path) -> None:
    fold = planned_run(asked_benchmark(pad_folder, output), output).folds["note", 0]
    predictions = read_predictions(Cell("note", 0, 0).predictions(output))
    gone = fold.split.test.case_id.iloc[0]
    left = predictions[predictions.case_id != gone]
    cell, faults = Cell("note", 0, 0), [Corruption("dark", 5)]
    table = corrupted_answers(Fitted(lambda rows: probabilities(rows)), fold, cell, left, faults, reads_photos=False)
    forced = table[table.case_id == gone]
    assert forced.answered.tolist() == [False, False]
    expected = probabilities(left[left.split == "val"]).mean(axis=0)
    assert probabilities(forced) == pytest.approx(np.tile(expected, (2, 1)))
    assert table[table.case_id != gone].answered.all()


def test_an_arm_answers_as_if_the_faulty_photo_lay_on_the_disk(pad_folder: Path, tmp_path: Path) -> None:
    """Frozen and trained encoder, table arm: the same probabilities from files into which the fault was drawn."""
    arms = {name: SEVERAL[name] for name in ("late", "image_only", "regression", "trained")}
    benchmark = asked_benchmark(pad_folder, tmp_path / "out", arms=arms)
    plan = planned_run(benchmark, tmp_path / "out")
    fault = Corruption("ruler", 5)
    for name in arms:
        fold = plan.folds[name, 0]
        rows = fold.split.test.head(6)
        faulty = [draw(row.images, fault, row.case_id, tmp_path) for row in rows.itertuples()]
        drawn = rows.assign(images=pd.Series(faulty, rows.index, dtype=object))
        (tmp_path / name).mkdir()
        fitted = plan.arms[name].fit(fold, seed=0, folder=tmp_path / name, answers=no_other, progress=False)
        test = fold.split._replace(test=rows)
        answers = fitted.predict(rows)
        predictions = as_predictions(rows, answers, fold.schema.classes)
        table = corrupted_answers(
            fitted, fold._replace(split=test), Cell(name, 0, 0), predictions, [fault], reads_photos=True
        )
        got = probabilities(table[table.corruption == "ruler"])
        assert np.abs(got - answers).max() > 1e-4
        # Features of frozen encoders are kept as float16 where they come from a file, and as float32 here.
        assert got == pytest.approx(fitted.predict(drawn), abs=2e-3 if name != "trained" else 1e-6)


def draw(paths: tuple[str, ...], fault: Corruption, case_id: str, folder: Path) -> tuple[str, ...]:
    found = []
    for place, path in enumerate(paths):
        photo = np.asarray(open_rgb(path, max_side=32).image)
        found.append(str(folder / f"{case_id}_{place}.png"))
        Image.fromarray(corrupt(photo, fault, case_id=case_id, place=place)).save(found[-1])
    return tuple(found)


def as_predictions(rows: pd.DataFrame, answers: Floats, classes: tuple[str, ...]) -> pd.DataFrame:
    probs = pd.DataFrame(answers, columns=[f"prob_{name}" for name in classes])
    test = pd.concat([rows[["case_id"]].reset_index(drop=True), probs], axis=1)
    return pd.concat([test.assign(split="test"), test.assign(split="val")], ignore_index=True)


def no_other(arm: str, rows: pd.DataFrame) -> pd.DataFrame:
    raise AssertionError("reads no other arm")


def test_stacking_reads_the_answers_of_its_arms_under_the_same_fault(output: Path) -> None:
    for name, severity in FAULTS[1:]:
        moved = change(output, "image_only", name, severity) > 1e-4
        assert change(output, "stack", name, severity)[moved].min() > 0
    assert (change(output, "stack", "dark", 1) != change(output, "stack", "dark", 5)).any()


def test_nothing_is_added_to_the_stored_features_and_switched_off_no_digit_changes(
    output: Path, pad_folder: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "out"
    run(asked_benchmark(pad_folder, plain, robustness=None), plain)
    assert not list(tmp_path.rglob("robustness.parquet"))
    first, second = (pd.read_parquet(folder / "predictions.parquet") for folder in (output, plain))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    stored = [sum(len(np.load(file)) for file in folder.rglob("*.npy")) for folder in
              (output.parent / "features", tmp_path / "features")]  # fmt: skip
    assert stored[0] == stored[1]


def test_another_choice_of_faults_is_recognised_as_another_run(output: Path, pad_folder: Path) -> None:
    for changed in (None, ASKED | {"severities": [1, 4]}, {"corruptions": ["dark"], "severities": [1, 5]}):
        with pytest.raises(UserError, match="begun with another configuration: robustness of image_only"):
            run(asked_benchmark(pad_folder, output, robustness=changed), output)
    table, failures = run(asked_benchmark(pad_folder, output), output)
    assert not failures
    assert len(table)


def test_a_run_without_faults_depends_on_what_it_did_before_there_were_any(pad_folder: Path, tmp_path: Path) -> None:
    plan = planned_run(asked_benchmark(pad_folder, tmp_path, robustness=None), tmp_path)
    assert all("robustness" not in plan.depends_on(arm) for arm in plan.arms.values())
    plan = planned_run(asked_benchmark(pad_folder, tmp_path, test=False), tmp_path)
    assert not any(plan.corruptions.values())


def test_faults_and_severities_that_do_not_exist_are_refused_in_a_line() -> None:
    for asked, message in (
        ({"corruptions": ["blurr"]}, r"robustness\.corruptions: .*'blurr' does not exist\. Did you mean 'blur'\?"),
        ({"corruptions": "every"}, r"robustness\.corruptions: .*'every' does not exist"),
        ({"corruptions": "blur"}, r'robustness\.corruptions: .*must be "all" or listed once each'),
        ({"corruptions": ["blur", "blur"]}, r"robustness\.corruptions: .*listed once each"),
        ({"corruptions": []}, r"robustness\.corruptions: .*listed once each"),
        ({"severities": [0, 3]}, r"robustness\.severities: .*rise from 1 to 5.*\[0, 3\]"),
        ({"severities": [3, 6]}, r"robustness\.severities: .*rise from 1 to 5"),
        ({"severities": [3, 1]}, r"robustness\.severities: .*rise from 1 to 5"),
    ):
        with pytest.raises(ConfigError, match=message) as refused:
            small_benchmark(Path("data"), Path("data"), robustness=asked)
        assert str(refused.value).count("robustness.") == 1
    assert len(Robustness().asked) == 3 * len(CORRUPTIONS)
    assert Robustness(corruptions=["hair", "blur"], severities=[5]).asked == (("hair", 5), ("blur", 5))


def test_the_report_tells_what_bad_photos_cost(output: Path, pad_folder: Path, tmp_path: Path) -> None:
    copied = tmp_path / "out"
    shutil.copytree(output, copied)
    write_answer(asked_benchmark(pad_folder, output), copied, [], replicates=30)
    page = (copied / "report.html").read_text()
    assert page.count(">When photos are bad</h2>") == 1
    assert "Not asked: late-shuffled, late-ensemble (" in page
    saved = json.loads((copied / "results.json").read_text())
    assert len(saved["corrupted_photos"]) == 6 * len(FAULTS) * 2  # arms, faults, metrics
    means = {(row["arm"], row["metric"]): row for row in saved["corrupted_photos_mean"]}
    assert {arm for (arm, _), row in means.items() if row["reads_photos"]} == set(READS_PHOTOS)
