"""Damaged photos of a table: refused before anything is trained, or left out and told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_experiment import small_experiment

from mmskin.audit.check import check
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import DataConfig, Experiment
from mmskin.data.load import check_photos, load_cases
from mmskin.data.table import Cases, make_table
from mmskin.errors import DataError
from mmskin.inputs.unreadable_photos import skip_unreadable, unreadable, without_unreadable
from mmskin.schema import Schema

SKIP = DataConfig(source={"name": "csv"}, root=".", unreadable_photos="skip")
STOP = DataConfig(source={"name": "csv"}, root=".")


def photo(path: Path, *, damaged: bool = False) -> str:
    """A JPEG of noise that hangs on its name; a damaged one is cut short in its middle."""
    pixels = np.random.default_rng(list(path.name.encode())).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    if damaged:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return str(path)


def cases(folder: Path, *, damaged: str = "bde") -> Cases:
    """Photos a and b of one case, c of another, d of a third, e of one without label; c4 names none."""
    of = {name: photo(folder / f"{name}.jpg", damaged=name in damaged) for name in "abcde"}
    images = [(of["a"], of["b"]), (of["c"],), (of["d"],), (of["e"],), ()]
    columns = {
        "case_id": [f"c{n}" for n in range(5)],
        "patient_id": [f"p{n}" for n in range(5)],
        "lesion_id": [f"l{n}" for n in range(5)],
        "images": images,
        "image_kinds": [("clinical", "dermoscopic"), ("clinical",), ("clinical",), ("clinical",), ()],
        "masks": [tuple(f"mask of {Path(path).name}" for path in paths) for paths in images],
        "target": ["x", "y", "x", None, "y"],
    }
    schema = Schema(name="clinic", classes=("x", "y"), photos=("clinical", "dermoscopic"))
    return Cases(schema, make_table(schema, columns), ("read",), ("row 9 'gone.jpg'",))


def test_by_default_all_are_named_with_the_option_that_leaves_them_out(tmp_path: Path) -> None:
    told = r"2 of 4 photos of clinic cannot be read: .*b\.jpg'.*cut short.*d\.jpg'.*data\.unreadable_photos=skip"
    with pytest.raises(DataError, match=told) as caught:
        without_unreadable(STOP, cases(tmp_path))
    assert "\n" not in str(caught.value)
    assert len(caught.value.faults) == 2


def test_where_every_photo_of_a_labelled_case_is_sound_the_cases_are_the_same(tmp_path: Path) -> None:
    sound = cases(tmp_path, damaged="e")
    for data in (STOP, SKIP):
        assert without_unreadable(data, sound) is sound


def test_those_left_out_are_absent_with_kind_and_mask_and_told_by_path(tmp_path: Path) -> None:
    before = cases(tmp_path)
    after = without_unreadable(SKIP, before)
    names = [[Path(path).name for path in images] for images in after.table.images]
    assert names == [["a.jpg"], ["c.jpg"], [], ["e.jpg"], []]  # nothing is learned from e
    assert after.table.image_kinds.tolist() == [("clinical",), ("clinical",), (), ("clinical",), ()]
    assert after.table.masks.map(list).tolist() == [[f"mask of {name}" for name in of] for of in names]
    assert after.absent_photos == ("row 9 'gone.jpg'", str(tmp_path / "b.jpg"), str(tmp_path / "d.jpg"))
    first, counted, alone = after.remarks
    assert first == "read"
    assert counted.startswith("2 of 4 photos cannot be read and are left out (data.unreadable_photos: skip): ")
    assert counted.endswith(f"{tmp_path / 'b.jpg'}, {tmp_path / 'd.jpg'}")
    assert alone == "1 cases have no other photo: c2"
    others = [column for column in before.table if column not in ("images", "image_kinds", "masks")]
    pd.testing.assert_frame_equal(after.table[others], before.table[others])


def test_of_many_ten_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    paths = [photo(tmp_path / f"{n:02}.jpg", damaged=True) for n in range(12)]
    table = cases(tmp_path, damaged="").table.assign(images=[tuple(paths), (), (), (), ()])
    table["image_kinds"] = table["masks"] = [("clinical",) * 12, (), (), (), ()]
    some = cases(tmp_path, damaged="")._replace(table=table)
    remark = without_unreadable(SKIP, some).remarks[1]
    assert "12 of 12 photos" in remark
    assert "09.jpg and 2 more" in remark
    assert "10.jpg" not in remark


def test_those_left_out_count_as_absent_ones_where_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"3 of 6 photos named .* are not there, or cannot be read, such as row 9"):
        check_photos(SKIP, without_unreadable(SKIP, cases(tmp_path)))
    check_photos(SKIP.model_copy(update={"absent_photos": 0.5}), without_unreadable(SKIP, cases(tmp_path)))


def test_nothing_is_decoded_for_a_reader_that_asks_only_what_to_skip(tmp_path: Path) -> None:
    damaged = cases(tmp_path)
    assert skip_unreadable(STOP, damaged) is damaged
    assert len(skip_unreadable(SKIP, damaged).absent_photos) == 3


def test_reasons_come_by_photo_in_order(tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_bytes(b"<html>")
    paths = [photo(tmp_path / "z.jpg", damaged=True), photo(tmp_path / "y.jpg"), str(tmp_path / "page.jpg")]
    assert list(unreadable(paths)) == [paths[0], paths[2]]
    assert "web page" in unreadable(paths)[paths[2]]


def table_with_a_damaged_photo(folder: Path, **data: object) -> Experiment:
    rows = ["case,patient,photo,dx,age"]
    for n in range(36):
        photo(folder / f"{n}.jpg", damaged=n == 7)
        rows.append(f"c{n},p{n},{n}.jpg,{'ab'[n % 2]},{20 + n}")
    (folder / "cases.csv").write_text("\n".join(rows))
    columns = {"case": "case", "patient": "patient", "images": "photo", "target": "dx"}
    source = {"name": "csv", **columns, "fields": {"age": {"kind": "numeric"}}}
    experiment = small_experiment(folder, "image", fusion="image_only", data={"source": source, **data}, epochs=1)
    return experiment.model_copy(update={"features": str(folder / "features")})


def test_a_training_stops_before_it_begins_or_leaves_the_photo_out(tmp_path: Path) -> None:
    stopping = table_with_a_damaged_photo(tmp_path)
    with pytest.raises(DataError, match=r"1 of 36 photos of cases cannot be read: .*7\.jpg.*unreadable_photos=skip"):
        run_experiment(stopping, tmp_path / "run", say=lambda line: None, progress=False)
    assert not (tmp_path / "run").exists()
    said: list[str] = []
    skipping = table_with_a_damaged_photo(tmp_path, unreadable_photos="skip", absent_photos=0.05)
    answers = run_experiment(skipping, tmp_path / "run", say=said.append, progress=False)
    remark = f"1 of 36 photos cannot be read and are left out (data.unreadable_photos: skip): {tmp_path / '7.jpg'}"
    assert f"note: {remark}" in said
    assert remark in (tmp_path / "run" / "remarks.json").read_text()  # from which the report tells it
    no_answer = answers[answers.filter(like="prob_").isna().all(axis=1)]
    assert set(no_answer.case_id) <= {"c7"}  # as any case without a photo


def test_an_arm_that_reads_no_photo_is_not_stopped_by_one(tmp_path: Path) -> None:
    experiment = table_with_a_damaged_photo(tmp_path)
    slots = {"encoders": {"metadata": {"name": "tokens", "dim": 8}}, "fusion": {"name": "metadata_only"}}
    said: list[str] = []
    answers = run_experiment(experiment.model_copy(update=slots), tmp_path / "run", say=said.append, progress=False)
    assert len(answers) == 24  # two of three parts, every case answered
    assert not any("cannot be read" in line for line in said)


def test_a_check_of_the_data_calls_it_a_fault_unless_it_would_be_left_out(tmp_path: Path) -> None:
    found = check(table_with_a_damaged_photo(tmp_path).data)
    assert (found.photos, len(found.faults)) == (36, 1)
    assert "7.jpg" in found.faults[0]
    found = check(table_with_a_damaged_photo(tmp_path, unreadable_photos="skip").data)
    assert found.faults == ()
    assert any("1 photos cannot be read and would be left out: photo" in remark for remark in found.remarks)


def test_cases_are_the_same_for_whoever_reads_them_after_the_training(tmp_path: Path) -> None:
    data = table_with_a_damaged_photo(tmp_path, unreadable_photos="skip").data
    assert skip_unreadable(data, load_cases(data)).table.images.map(len).sum() == 35
