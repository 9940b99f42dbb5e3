"""A folder of photos for each class."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from mmskin.data.sources.folders import Folders
from mmskin.errors import ConfigError, DataError


def make(root: Path, *paths: str) -> Path:
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (number * 9, 0, 0)).save(root / path)
    return root


def test_every_photo_is_a_case_of_the_class_of_its_folder(tmp_path: Path) -> None:
    make(tmp_path, "nevus/P1_a.jpg", "nevus/P2_a.png", "melanoma/deep/P3_a.JPG", "melanoma/P1_b.jpg")
    cases = Folders(patient="(P[0-9]+)_").load(tmp_path)
    assert dict(zip(cases.table.case_id, cases.table.target, strict=True)) == {
        "melanoma/P1_b.jpg": "melanoma",
        "melanoma/deep/P3_a.JPG": "melanoma",
        "nevus/P1_a.jpg": "nevus",
        "nevus/P2_a.png": "nevus",
    }
    assert list(cases.table.patient_id) == ["P1", "P3", "P1", "P2"]
    assert cases.schema.field_names == ()
    assert all(Path(photo).is_file() for images in cases.table.images for photo in images)
    assert not cases.absent_photos


def test_folders_of_parts_are_a_split(tmp_path: Path) -> None:
    make(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "Valid/a/3.jpg", "test/b/4.jpg")
    cases = Folders(one_case_per_patient=True).load(tmp_path)
    assert sorted(cases.table.official_split) == ["test", "train", "train", "val"]
    assert sorted(cases.table.target) == ["a", "a", "b", "b"]


def test_what_is_no_such_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="say how patients are told"):
        Folders()
    with pytest.raises(ConfigError, match="is no regular expression"):
        Folders(patient="(")
    with pytest.raises(ConfigError, match="must have one group"):
        Folders(patient="P[0-9]+")
    with pytest.raises(DataError, match="there is no photo under"):
        Folders(one_case_per_patient=True).load(tmp_path)
    make(tmp_path, "a/1.jpg", "b/2.jpg", "3.jpg")
    with pytest.raises(DataError, match=r"1 photos lie in no folder of a class: 3\.jpg"):
        Folders(one_case_per_patient=True).load(tmp_path)
    (tmp_path / "3.jpg").unlink()
    with pytest.raises(DataError, match=r"finds nothing in 2 paths: a/1\.jpg, b/2\.jpg"):
        Folders(patient="(P[0-9]+)").load(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        Folders(one_case_per_patient=True).load(tmp_path / "nowhere")
