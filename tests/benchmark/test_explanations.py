from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from benchmark.small_benchmark import ARMS, run, small_benchmark

from mmskin.benchmark.answer import write_answer
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.errors import ConfigError

TWO: dict[str, Any] = {
    "arms": {"late": ARMS["late"], "image_only": ARMS["image_only"]},
    "data": {"test_folds": [0]},
    "missing_parts": None,
}


def benchmark_of(root: Path, output: Path, **changed: Any) -> Benchmark:
    return small_benchmark(root, output.parent / "features", **TWO | changed)


@pytest.fixture(scope="module")
def explained(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms with two seeds on one fold; explanations are measured on three test cases."""
    output = tmp_path_factory.mktemp("explained") / "out"
    assert not run(benchmark_of(pad_folder, output, explanations=3), output)[1]
    return output


def test_the_first_cell_of_the_primary_arm_measures_its_explanations(explained: Path) -> None:
    assert [path.relative_to(explained).as_posix() for path in explained.rglob("explanations.json")] == [
        "cells/late/fold_0/seed_0/explanations.json"
    ]
    content = json.loads((explained / "cells/late/fold_0/seed_0/explanations.json").read_text())
    assert (content["arm"], content["fold"], content["seed"], content["cases"]) == ("late", 0, 0, 3)
    assert {"words", "fields", "parts", "forgotten", "noise"} <= {row["name"] for row in content["measures"]}
    assert content["left_out"] == ["the pointing game: the data set has no masks of lesions"]
    assert 0 < content["cpu_seconds"] < 60


def test_switched_off_nothing_is_written_and_no_digit_of_the_predictions_changes(
    explained: Path, pad_folder: Path, tmp_path: Path
) -> None:
    benchmark = benchmark_of(pad_folder, tmp_path / "out", explanations=None)
    run(benchmark, tmp_path / "out")
    assert not list(tmp_path.rglob("explanations.json"))
    write_answer(benchmark, tmp_path / "out", [], replicates=100)
    assert "Do the explanations hold" not in (tmp_path / "out" / "report.html").read_text()
    first, second = (pd.read_parquet(folder / "predictions.parquet") for folder in (explained, tmp_path / "out"))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_the_report_has_a_section_and_results_json_its_numbers(explained: Path, pad_folder: Path) -> None:
    write_answer(benchmark_of(pad_folder, explained, explanations=3), explained, [], replicates=100)
    page = (explained / "report.html").read_text()
    assert ">Do the explanations hold</h2>" in page
    assert "late, fold 0, seed 0: 3 cases of 3 patients." in page
    saved = json.loads((explained / "results.json").read_text())["explanations"]
    assert saved["cases"] == 3
    assert all(row["holds"] for row in saved["measures"] if row["name"] in ("words", "fields", "parts"))


def test_no_case_at_all_is_refused(pad_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="explanations"):
        benchmark_of(pad_folder, tmp_path / "out", explanations=0)
    raw = benchmark_of(pad_folder, tmp_path / "out").to_json()
    del raw["explanations"]
    assert Benchmark.model_validate(raw).explanations == 15
