from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmskin.benchmark.quickstart import SEES, quickstart_benchmark, run_quickstart
from mmskin.benchmark.resolve import resolve
from mmskin.errors import UserError


def test_it_trains_four_arms_and_shows_each_beside_its_exact_ceiling(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    returned = run_quickstart(tmp_path / "q", cases=200, epochs=2, lessons=10)
    told = capsys.readouterr().out
    # Exact over all cases there can be, from the clinic's tables: photo, history, both.
    for ceiling in ("0.640", "0.576", "0.803", "0.694", "0.613", "0.820"):
        assert ceiling in told
    assert all(arm in told for arm in SEES)
    assert returned["ceilings"]["late"] == pytest.approx({"balanced_accuracy": 0.803, "accuracy": 0.820}, abs=5e-4)
    assert {row["arm"] for row in returned["metrics"]} == set(SEES)
    assert Path(returned["model"]).is_dir()
    json.dumps(returned, allow_nan=False)
    page = (tmp_path / "q" / "report.html").read_text()
    assert "Ceiling of late" in page
    assert "not a diagnosis" in page
    assert (tmp_path / "q" / "cells" / "cross_attention" / "fold_0" / "seed_0" / "model" / "manifest.json").exists()


def test_the_cnn_is_trained_once_and_read_frozen_by_the_others(tmp_path: Path) -> None:
    arms = resolve(quickstart_benchmark(tmp_path, seed=0, epochs=2), tmp_path)
    for arm in ("late", "cross_attention"):
        image = arms[arm].encoders["image"]
        assert image["trainable"] == "none"
        assert "image_only" in image["weights"]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="is not empty"):
        run_quickstart(tmp_path)


def test_typed_again_it_goes_on_with_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_quickstart(tmp_path / "q", cases=200, epochs=2, lessons=10)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("cells/**/predictions.parquet")}
    assert len(before) == len(SEES)
    run_quickstart(tmp_path / "q", cases=200, epochs=2, lessons=10)
    assert {path: path.stat().st_mtime_ns for path in before} == before
