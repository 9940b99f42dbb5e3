"""Copies of training photos among new ones: the same bytes, and the same picture written anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from small_experiment import small_experiment

from mmskin.benchmark.run.grid import cell_folder
from mmskin.data.load import load_cases
from mmskin.data.table import Cases
from mmskin.errors import UserError
from mmskin.external.evaluated import evaluate_elsewhere
from mmskin.external.overlap import find_overlap
from mmskin.synthetic import make_clinic
from mmskin.trained.saved_model import load_model

SIZE = {"size": 96}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clinic(tmp_path_factory.mktemp("home"), cases=40, seed=0, **SIZE)  # type: ignore[arg-type]


@pytest.fixture
def other(home: Path, tmp_path: Path) -> Path:
    """Another clinic, in which one photo is a training photo byte by byte, and one a smaller JPEG of another.

    Two of its own photos are the same as well, which is no overlap.
    """
    folder = make_clinic(tmp_path / "other", cases=12, seed=1, **SIZE)  # type: ignore[arg-type]
    theirs, ours = sorted((folder / "photos").glob("*.jpg")), sorted((home / "photos").glob("*.jpg"))
    theirs[2].write_bytes(ours[5].read_bytes())
    Image.open(ours[9]).resize((80, 80)).save(theirs[7], quality=80)
    theirs[10].write_bytes(theirs[11].read_bytes())
    return folder


def clinic_experiment(root: Path, **options: object):  # type: ignore[no-untyped-def]
    made = small_experiment(root, "metadata", fusion="metadata_only", threads=1)
    data = made.data.model_copy(update={"source": {"name": "synthetic"}, "root": str(root)})
    return made.model_copy(update={"data": data})


@pytest.fixture(scope="module")
def model(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mmskin.benchmark.run.run import run_experiment

    run = tmp_path_factory.mktemp("run")
    run_experiment(clinic_experiment(home), run, say=lambda line: None, progress=False)
    return cell_folder(run, "small", 0, 0) / "model"


def test_both_kinds_of_copies_are_found_and_nothing_else(model: Path, other: Path) -> None:
    cases: Cases = load_cases(clinic_experiment(other).data)
    found = find_overlap(load_model(model), cases)
    assert found.cases == ["case_00002", "case_00007"]
    assert [(pair.kind, pair.first) for pair in found.pairs] == [
        ("exact", "home:case_00005"),
        ("near", "home:case_00009"),
    ]
    assert found.photos == (40, 12)


def test_cases_with_copies_are_left_out_of_an_evaluation_and_counted(model: Path, other: Path) -> None:
    data = clinic_experiment(other).data
    plain = evaluate_elsewhere({"model": model}, data, replicates=100)
    without = evaluate_elsewhere({"model": model}, data, copies=True, replicates=100)
    assert len(plain.runs.table) - len(without.runs.table) == 2
    assert any(note.startswith("2 cases with copies of photos of synthetic are left out") for note in without.notes)
    assert any("--copies does" in note for note in plain.notes)


def test_training_photos_that_are_gone_cannot_be_compared(model: Path, other: Path, home: Path, tmp_path: Path) -> None:
    cases = load_cases(clinic_experiment(other).data)
    home.rename(tmp_path / "moved")
    try:
        with pytest.raises(UserError, match="copies of training photos cannot be looked for"):
            find_overlap(load_model(model), cases)
    finally:
        (tmp_path / "moved").rename(home)
