from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmskin.errors import ConfigError, DataError
from mmskin.synthetic.clinic import make_clinic, read_cases, read_truth
from mmskin.synthetic.latents import default_design
from mmskin.synthetic.photo import render
from mmskin.synthetic.population import Missing, Shortcut, draw_cases


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_same_seed_gives_the_same_files_with_any_number_of_workers(tmp_path: Path) -> None:
    one = contents(make_clinic(tmp_path / "a", cases=6, size=96, seed=2, workers=1))
    same = contents(make_clinic(tmp_path / "b", cases=6, size=96, seed=2, workers=3))
    other = contents(make_clinic(tmp_path / "c", cases=6, size=96, seed=3))
    assert one == same
    assert one["cases.csv"] != other["cases.csv"]
    assert one["photos/case_00000.jpg"] != other["photos/case_00000.jpg"]


def test_folder_holds_photos_and_masks_of_every_case(tmp_path: Path) -> None:
    root = make_clinic(tmp_path / "clinic", cases=3, size=112)
    for case in read_cases(root):
        drawn = render(case, size=112)
        with Image.open(root / "photos" / f"{case.case_id}.jpg") as photo:
            # JPEG at quality 92 keeps pixels within a few grey levels on average.
            assert np.abs(np.asarray(photo).astype(int) - drawn.pixels).mean() < 4
        with Image.open(root / "masks" / f"{case.case_id}.png") as mask:
            assert np.array_equal(np.asarray(mask).astype(bool), drawn.mask)


def test_a_clinic_of_small_lesions_says_so(tmp_path: Path) -> None:
    root = make_clinic(tmp_path / "clinic", cases=2, size=96, area=(0.05, 0.06))
    for case in read_cases(root):
        with Image.open(root / "masks" / f"{case.case_id}.png") as mask:
            assert np.array_equal(np.asarray(mask).astype(bool), render(case, size=96, area=(0.05, 0.06)).mask)
    assert json.loads((root / "truth.json").read_text())["area"] == [0.05, 0.06]


def test_truth_and_cases_come_back_as_they_were(tmp_path: Path) -> None:
    missing = Missing(at_random=0.2, block=0.1, by_class={"alvita": 0.5})
    shortcut = Shortcut(mark="ruler", strength=0.7)
    root = make_clinic(
        tmp_path, cases=8, size=96, interaction=0.3, seed=4, missing=missing, shortcut=shortcut, told="both"
    )
    truth = read_truth(root)
    assert (truth.design, truth.missing, truth.shortcut) == (default_design(interaction=0.3), missing, shortcut)
    drawn = draw_cases(truth.design, 8, seed=4, missing=missing, shortcut=shortcut, told="both")
    assert read_cases(root) == drawn


def test_inputs_table_does_not_hold_the_truth(tmp_path: Path) -> None:
    root = make_clinic(tmp_path, cases=2, size=96)
    header = (root / "cases.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert not {"asymmetry", "border", "colours", "scale", "ulcer", "pen", "ruler", "hidden", "seed"} & set(header)


def test_smaller_clinic_replaces_a_larger_one(tmp_path: Path) -> None:
    make_clinic(tmp_path, cases=5, size=96)
    make_clinic(tmp_path, cases=2, size=96)
    assert len(list((tmp_path / "photos").iterdir())) == len(list((tmp_path / "masks").iterdir())) == 2
    assert len(read_cases(tmp_path)) == 2


def test_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(DataError, match=r"thesis\.docx.*new or empty folder"):
        make_clinic(tmp_path, cases=1, size=96)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_bad_options_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="size=20"):
        make_clinic(tmp_path / "clinic", size=20)
    with pytest.raises(ConfigError, match="interaction=2"):
        make_clinic(tmp_path / "clinic", interaction=2)
    assert not (tmp_path / "clinic").exists()


def test_unfinished_damaged_and_foreign_clinics_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"truth\.json is missing.*make_clinic"):
        read_truth(tmp_path)
    (tmp_path / "truth.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        read_cases(tmp_path)
    (tmp_path / "truth.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(DataError, match="format 99, expected 1"):
        read_truth(tmp_path)
