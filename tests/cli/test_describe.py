"""`mmskin describe` of the folder of a model or run; parts are tested with the program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.conftest import Type, is_one_plain_line
from explain.small_predictors import small_predictor

from mmskin.trained.saved_model import save_model


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folds of two arms."""
    folder = tmp_path_factory.mktemp("described") / "run"
    trained = small_predictor("late").trained
    for fold in (0, 1):
        for arm in ("late", "other"):
            save_model(trained, folder / f"cells/{arm}/fold_{fold}/seed_0/model")
    return folder


def test_a_model_folder_is_described_and_of_a_run_the_arm_that_is_named(mmskin_: Type, run: Path) -> None:
    code, told, _ = mmskin_(f"describe {run}/cells/late/fold_0/seed_0/model")
    assert code == 0
    assert told.startswith("late of image, text, metadata\n")
    code, told, _ = mmskin_(f"describe {run} --arm other --json")
    assert code == 0
    assert json.loads(told)["models"] == 2
    code, told, complaint = mmskin_(f"describe {run}")
    assert (code, told) == (3, "")
    assert is_one_plain_line(complaint)
    assert "holds models of several arms: late, other" in complaint


def test_a_part_comes_before_a_folder_of_its_name_unless_there_is_a_slash(
    mmskin_: Type, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run / "cells")
    assert mmskin_("describe late")[1].startswith("late (fusions)\n")
    assert mmskin_("describe ./late")[1].startswith("late of image, text, metadata, 2 models together\n")
    assert mmskin_("describe other")[1].startswith("late of image, text, metadata, 2 models together\n")


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("describe runs/nowhere", 3, "runs/nowhere is no folder: give the one of a model, or of a run"),
        ("describe FOLDER", 3, "is no mmskin model, without manifest.json"),
        ("describe late --arm photo", 2, "--arm photo is of a run folder"),
        ("describe laet", 2, "part 'laet' does not exist. Did you mean 'late'"),
    ],
)
def test_a_mistake_is_one_plain_line(mmskin_: Type, tmp_path: Path, line: str, code: int, told: str) -> None:
    ended, printed, complaint = mmskin_(line.replace("FOLDER", str(tmp_path)))
    assert (ended, printed) == (code, "")
    assert is_one_plain_line(complaint)
    assert told in complaint
