from __future__ import annotations

from pathlib import Path

import pytest
from data.make_pad_ufes_20 import make_pad_ufes_20
from real_data import real_data

from mmskin.audit.check import check, open_all
from mmskin.config.experiment import DataConfig


def data(root: Path, **more: object) -> DataConfig:
    return DataConfig.model_validate({"source": {"name": "pad_ufes_20"}, "root": str(root), "folds": 3, **more})


def test_a_sound_folder_has_no_fault_and_every_photo_is_opened(tmp_path: Path) -> None:
    make_pad_ufes_20(tmp_path, patients=36, photos=1)
    found = check(data(tmp_path))
    assert (found.cases, found.photos, found.faults) == (36, 36, ())
    assert any("the photo is small: 16 x 16 pixels" in remark and "36 photos" in remark for remark in found.remarks)


def test_broken_photos_are_all_told_with_their_names(tmp_path: Path) -> None:
    rows = make_pad_ufes_20(tmp_path, patients=36, photos=1, flat=True)
    names = [Path(row["img_id"]).with_suffix(".jpg").name for row in rows[:3]]
    photos = [tmp_path / "images" / name for name in names]
    photos[0].write_bytes(b"")
    photos[1].write_bytes(photos[1].read_bytes()[:200])
    photos[2].write_bytes(b"<html>not found</html>")
    found = check(data(tmp_path))
    assert len(found.faults) == 3
    for name, why in zip(names, ("empty file", "", "web page"), strict=True):
        assert any(name in fault and why in fault for fault in found.faults)


def test_table_and_photos_are_checked_though_the_table_cannot_be_read(tmp_path: Path) -> None:
    rows = make_pad_ufes_20(tmp_path, patients=36, photos=1, flat=True)
    photo = next((tmp_path / "images").iterdir())
    photo.write_bytes(b"")
    table = tmp_path / "metadata.csv"
    table.write_text(table.read_text().replace(",FACE,", ",FACES,").replace(",NOSE,", ",NOOSE,"))
    misspelt = sum(row["region"] in ("FACE", "NOSE") for row in rows)
    assert misspelt > 10
    found = check(data(tmp_path))
    assert (found.cases, found.photos) == (0, 36)
    assert len(found.faults) == misspelt + 1  # not cut to ten, as the message of an error is
    assert all("metadata.csv, row " in fault for fault in found.faults[:misspelt])
    assert photo.name in found.faults[-1]


def test_folds_that_part_a_patient_are_a_fault(tmp_path: Path) -> None:
    rows = make_pad_ufes_20(tmp_path, patients=36)
    folds = tmp_path / "folds.csv"
    lines = [f"{row['img_id']},{number % 3}" for number, row in enumerate(rows)]
    folds.write_text("\n".join(["img_id,fold", *lines]) + "\n")
    found = check(data(tmp_path, folds=str(folds)))
    assert len(found.faults) == 1
    assert "patients lie in two parts of the split" in found.faults[0]


def test_the_real_sample_has_no_fault() -> None:
    root = real_data("pad_ufes_20")
    found = check(data(root, folds=str(root / "folds.csv")))
    assert (found.cases, found.photos, found.faults) == (1237, 1237, ())


@pytest.mark.parametrize("count", [0, 1, 5])
def test_answers_come_in_the_order_of_the_photos(tmp_path: Path, count: int) -> None:
    paths = [tmp_path / f"{i}.jpg" for i in range(count)]
    for path in paths:
        path.write_bytes(b"")
    opened = open_all([str(path) for path in paths])
    assert [path.name in str(found.fault) for path, found in zip(paths, opened, strict=True)] == [True] * count


def test_every_fold_that_is_tested_is_looked_at(tmp_path: Path) -> None:
    """A class of one patient has a training case in some of the folds only."""
    rows = ["case,patient,dx,age"]
    rows += [f"c{i},p{i},{'nevus' if i % 2 else 'melanoma'},{20 + i}" for i in range(30)]
    rows += ["w1,p99,wart,50", "w2,p99,wart,50"]
    (tmp_path / "cases.csv").write_text("\n".join(rows) + "\n")
    source = {"name": "csv", "target": "dx", "patient": "patient", "case": "case", "fields": ["age"]}
    of_all = check(data(tmp_path, source=source))
    assert of_all.faults
    assert all("wart" in fault for fault in of_all.faults)
    holding = {int(word) for fault in of_all.faults for word in fault.split("(fold ")[1].split(" as")[0].split(", ")}
    assert holding < {0, 1, 2}
    spared = check(data(tmp_path, source=source, test_folds=sorted({0, 1, 2} - holding)))
    assert spared.faults == ()


def test_photos_that_are_named_and_absent_are_faults(tmp_path: Path) -> None:
    make_pad_ufes_20(tmp_path, patients=36, photos=1, flat=True)
    absent = sorted((tmp_path / "images").iterdir())[:2]
    for photo in absent:
        photo.unlink()
    found = check(data(tmp_path))
    assert sorted(found.faults) == [f"photo not found: {photo.stem}" for photo in absent]
