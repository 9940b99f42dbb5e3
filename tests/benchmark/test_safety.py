"""What safeguards are worth, on invented answers whose truth is known, and the whole way through a small run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from small_experiment import small_experiment

from mmskin.benchmark.run.run import run_experiment
from mmskin.benchmark.safety import evaluate_safety, held_out
from mmskin.evaluation.predictions import read_predictions
from mmskin.report.sections.safeguards import AS_TRAINED, Safety, safeguards_section
from mmskin.trained.triage import Groups

CLASSES = ("NEV", "ACK", "MEL")
GROUPS = Groups(np.array([False, False, True]), np.array([False, True, False]))
SHARES = np.array([0.5, 0.3, 0.2])


def part(n: int, fold: int, split: str, scenario: str, *, sharper: float, seed: int) -> pd.DataFrame:
    """Answers too sure by a factor, under equal shares, of cases whose classes follow the true posterior."""
    rng = np.random.default_rng(seed)
    posterior = softmax(rng.normal(scale=2, size=(n, 3)) + np.log(SHARES), axis=1)
    target = (posterior.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    probs = softmax(sharper * np.log(posterior / SHARES), axis=1)
    ids = [f"{split}{fold}_{k}" for k in range(n)]
    return pd.DataFrame(
        {
            "case_id": ids,
            "patient_id": ids,
            "fold": fold,
            "seed": 0,
            "arm": "late",
            "split": split,
            "target": np.array(CLASSES)[target],
            **{f"prob_{name}": probs[:, code] for code, name in enumerate(CLASSES)},
            "scenario": scenario,
            "rate": 0.0,
            "red_flag": (scenario != "image") & (rng.random(n) < 0.05),
        }
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    sharper = {"image+history": 1.5, "image": 3.0}
    return pd.concat(
        [
            part(400, fold, split, scenario, sharper=of, seed=10 * fold + place)
            for scenario, of in sharper.items()
            for fold in (0, 1, 2)
            for place, split in enumerate(("val", "test"))
        ],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def safety(table: pd.DataFrame) -> Safety:
    found = evaluate_safety(table, {"malignant": ["MEL"], "premalignant": ["ACK"]}, GROUPS, replicates=50)
    assert found is not None
    return found


def test_calibration_is_measured_before_and_after_for_each_set_of_parts(safety: Safety) -> None:
    found = safety.calibration.set_index(["parts", "method", "metric"])["estimate"]
    for parts in ("image+history", "image"):
        assert found[parts, AS_TRAINED, "debiased_ece"] > 0.06
        assert found[parts, "bias_corrected", "debiased_ece"] < 0.03
        assert found[parts, "bias_corrected", "log_loss"] < found[parts, "temperature", "log_loss"]
    assert found["image", AS_TRAINED, "ece"] > found["image+history", AS_TRAINED, "ece"]


def test_reliability_lies_on_the_line_after_calibration(safety: Safety) -> None:
    bins = safety.reliability[safety.reliability["n"] >= 30]
    off = (bins["confidence"] < bins["right_low"]) | (bins["confidence"] > bins["right_high"])
    assert off[bins["method"] == AS_TRAINED].mean() > 0.3
    assert off[bins["method"] == "bias_corrected"].mean() < 0.2
    assert safety.reliability.groupby(["parts", "method"])["n"].sum().unique().tolist() == [1200]


def test_coverage_lies_in_its_band_and_the_set_of_all_together_is_smaller(safety: Safety) -> None:
    by_class = safety.coverage[(safety.coverage["promise"] == "by_class") & (safety.coverage["class"] != "")]
    assert ((by_class["covered"] >= by_class["band_low"]) & (by_class["covered"] <= by_class["band_high"])).all()
    assert (by_class["low"] <= by_class["covered"] / by_class["n"]).all()
    assert by_class.groupby("parts")["n"].sum().tolist() == [1200, 1200]


def test_triage_counts_patients_by_class_and_group(safety: Safety, table: pd.DataFrame) -> None:
    whole = safety.triage[safety.triage["parts"] == "image+history"].set_index(["of", "level"])
    test = table[(table["split"] == "test") & (table["scenario"] == "image+history")]
    for of, classes in {"MEL": ["MEL"], "malignant": ["MEL"], "all others": ["NEV"]}.items():
        counts = whole.loc[of, "k"]
        assert counts.sum() == test["target"].isin(classes).sum() == whole.loc[(of, "least"), "n"]
    assert whole.loc[("malignant", "least"), "k"] / whole.loc[("malignant", "least"), "n"] < 0.05
    assert whole.loc[("all others", "urgent"), "k"] / whole.loc[("all others", "urgent"), "n"] < 0.22


def test_a_flagged_case_is_never_least_urgent(table: pd.DataFrame) -> None:
    held = held_out(table[table["scenario"] == "image+history"], GROUPS)
    assert held is not None
    assert held.levels is not None
    flagged = held.rows["red_flag"].to_numpy(dtype=bool)
    assert flagged.any()
    assert (held.levels[flagged] > 0).all()
    assert (held.levels[~flagged] == 0).any()


def test_without_a_dangerous_class_there_are_sets_and_no_triage(table: pd.DataFrame) -> None:
    found = evaluate_safety(table, {}, None, replicates=20)
    assert found is not None
    assert found.triage.empty
    assert found.points.empty
    assert len(found.coverage)
    section = safeguards_section(found, arm="late", titles={})
    assert [picture.title for picture in section.pictures] == [
        "Reliability before and after calibration",
        "Risk and coverage",
    ]


def test_a_fold_without_validation_cases_is_not_judged(table: pd.DataFrame) -> None:
    assert evaluate_safety(table[table["split"] == "test"], {}, None, replicates=20) is None


def test_the_section_words_its_numbers(safety: Safety) -> None:
    section = safeguards_section(safety, arm="late", titles={"MEL": "Melanoma"})
    assert section.title == "Safeguards of late"
    calibration, whole, photo, *_ = section.grids
    assert [row[0] for row in calibration.rows[::4]] == ["Photo and history", "Photo"]
    assert (whole.title, photo.title) == ("Answer sets: photo and history", "Answer sets: photo")
    assert whole.rows[2][0] == "Melanoma"
    assert whole.rows[-1][0] == "all"
    triage = next(grid for grid in section.grids if grid.title == "Triage: photo and history")
    assert triage.head[2:] == ["See a physician urgently", "See a physician soon", "No reason found to hurry"]
    assert json.dumps(section.saved)


def test_a_run_writes_the_answers_by_parts_and_its_report_tells_them(pad_folder: Path, tmp_path: Path) -> None:
    experiment = small_experiment(pad_folder)
    run_experiment(experiment, tmp_path / "run", say=lambda line: None, progress=False)
    by_parts = read_predictions(tmp_path / "run" / "parts.parquet")
    assert list(by_parts["scenario"].drop_duplicates()) == ["image+history", "image", "history"]
    whole = by_parts[by_parts["scenario"] == "image+history"]
    plain = read_predictions(tmp_path / "run" / "predictions.parquet")
    columns = [name for name in plain if str(name).startswith("prob_")]
    merged = whole.merge(plain, on=["case_id", "split"], suffixes=("", "_plain"))
    assert len(merged) == len(plain)
    assert merged[columns].to_numpy() == pytest.approx(
        merged[[f"{name}_plain" for name in columns]].to_numpy(), abs=1e-6
    )
    assert not by_parts[by_parts["scenario"] == "image"]["red_flag"].any()
    assert whole["red_flag"].any()
