"""Arms that read other cells, in a run: all seeds of an arm averaged, and experts on an encoder that an arm trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmark.small_benchmark import run, small_benchmark
from small_experiment import ENCODERS

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.resolve import resolve
from mmskin.evaluation.predictions import PROB
from mmskin.trained.calibration import at_temperature, fit_temperature, log_of
from mmskin.trained.run_models import load_trained

ARMS: dict[str, Any] = {
    "image_only": {"fusion": {"name": "image_only"}},
    "late": {"fusion": {"name": "metadata_only"}},
    "members": {"fusion": {"name": "metadata_only"}, "training": {"members": 2, "save_model": True}, "seeds": [0]},
    "seed_ensemble": {"table": {"name": "averaging", "over": ["late"], "seeds": "all"}},
    "both": {"table": {"name": "averaging", "over": ["late", "image_only"]}},
    "experts": {
        "table": {"name": "product_of_experts", "of": ["image", "fields"], "c": [0.01]},
        "encoders": {"image": {"from": "image_only"}},
    },
}


@pytest.fixture(scope="module")
def benchmark(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    features = tmp_path_factory.mktemp("features")
    encoders = {"image": ENCODERS["image"], "metadata": ENCODERS["metadata"]}
    return small_benchmark(pad_folder, features, arms=ARMS, data={"test_folds": [0]}, encoders=encoders)


@pytest.fixture(scope="module")
def output(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    _, failures = run(benchmark, folder)
    assert not failures
    return folder


@pytest.fixture(scope="module")
def table(output: Path) -> pd.DataFrame:
    return pd.read_parquet(output / "predictions.parquet")


def of_arm(table: pd.DataFrame, arm: str, split: str, seed: int) -> pd.DataFrame:
    chosen = table[(table["arm"] == arm) & (table["split"] == split) & (table["seed"] == seed)]
    return chosen.set_index("case_id").sort_index()


def test_the_seed_ensemble_is_the_tempered_mean_of_the_cells_of_all_seeds(table: pd.DataFrame) -> None:
    columns = [name for name in table.columns if name.startswith(PROB)]

    def mean(split: str) -> Any:
        return np.mean([of_arm(table, "late", split, seed)[columns].to_numpy() for seed in (0, 1)], axis=0)

    val = of_arm(table, "seed_ensemble", "val", 0)
    target = np.array([columns.index(PROB + name) for name in val.target])
    expected = at_temperature(log_of(mean("test")), fit_temperature(log_of(mean("val")), target))
    assert of_arm(table, "seed_ensemble", "test", 0)[columns].to_numpy() == pytest.approx(expected, abs=1e-9)


def test_it_is_run_once_and_one_of_several_arms_once_a_seed(output: Path) -> None:
    cells = {arm: sorted(p.parent.name for p in output.glob(f"cells/{arm}/*/*/cell.json")) for arm in ARMS}
    assert cells["seed_ensemble"] == cells["members"] == ["seed_0"]
    assert cells["both"] == cells["experts"] == cells["late"] == ["seed_0", "seed_1"]


def test_it_is_not_asked_with_parts_missing_and_others_are(output: Path) -> None:
    asked = set(pd.read_parquet(output / "missing.parquet")["arm"])
    assert asked == set(ARMS) - {"seed_ensemble"}


def test_experts_read_the_encoder_that_an_arm_has_trained(benchmark: Benchmark, output: Path) -> None:
    arm = resolve(benchmark, output)["experts"]
    assert arm.reads == ("image_only",)
    made = json.loads((output / "cells/experts/fold_0/seed_0/cell.json").read_text())["arm"]
    assert made["encoders"]["image"]["weights"] == "from image_only"


def test_members_are_costed_and_saved_as_one_model(output: Path) -> None:
    costs = {(row["arm"], row["seed"]): row for row in json.loads((output / "costs.json").read_text())}
    assert costs["members", 0]["parameters"] == 2 * costs["late", 0]["parameters"]
    assert costs["members", 0]["parameters_total"] == 2 * costs["late", 0]["parameters_total"]
    assert len(load_trained(output, arm="members").models) == 2


def test_no_arm_reads_one_that_reads_others(pad_folder: Path, tmp_path: Path) -> None:
    again = {"table": {"name": "averaging", "over": ["seed_ensemble", "late"]}}
    with pytest.raises(Exception, match=r"arms\.again\.table\.over: seed_ensemble reads other arms itself"):
        small_benchmark(pad_folder, tmp_path, arms=ARMS | {"again": again})
