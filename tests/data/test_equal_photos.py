from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data.make_pad_ufes_20 import make_pad_ufes_20
from PIL import Image
from real_data import real_data

from mmskin.config.experiment import DataConfig
from mmskin.data.equal_photos import equal_files, equal_pixels, tie_equal_photos
from mmskin.data.load import read_source
from mmskin.data.table import Cases
from mmskin.errors import DataError
from mmskin.schema import Schema

SCHEMA = Schema(name="two", classes=("NEV", "BCC"))


def cases(folder: Path, photos: dict[str, list[bytes]], targets: list[str | None]) -> Cases:
    """Cases a, b, … with the photos given as bytes."""
    images = []
    for case, contents in photos.items():
        paths = [folder / f"{case}{i}.jpg" for i in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        images.append(tuple(map(str, paths)))
    columns = {"case_id": list(photos), "patient_id": list(photos), "images": images, "target": targets}
    return Cases(SCHEMA, pd.DataFrame(columns, dtype=object))


def test_the_real_sample_has_one_photo_under_two_diagnoses() -> None:
    root = str(real_data("pad_ufes_20"))
    pair = {"PAT_759_1433_914", "PAT_759_1538_566"}
    kept = read_source(DataConfig(source={"name": "pad_ufes_20"}, root=root))
    told = [remark for remark in kept.remarks if "equal bytes" in remark]
    assert len(told) == 1
    assert "PAT_759_1433_914 (NEV)" in told[0]
    assert "PAT_759_1538_566 (BCC)" in told[0]
    assert kept.table[kept.table.case_id.isin(pair)].photo_group.nunique() == 1
    assert kept.table.photo_group.nunique() == 1236
    dropped = read_source(DataConfig(source={"name": "pad_ufes_20"}, root=root, conflicts="drop")).table
    assert len(dropped) == 1235
    assert not set(dropped.case_id) & pair
    with pytest.raises(DataError, match="PAT_759_1538_566"):
        read_source(DataConfig(source={"name": "pad_ufes_20"}, root=root, conflicts="error"))


def test_a_config_says_what_is_done_with_one_photo_under_two_diagnoses(tmp_path: Path) -> None:
    make_pad_ufes_20(tmp_path, patients=12, photos=1)

    def read(conflicts: str) -> pd.DataFrame:
        data = DataConfig(source={"name": "pad_ufes_20"}, root=str(tmp_path), conflicts=conflicts)  # type: ignore[arg-type]
        return read_source(data).table

    before = read("error")
    one, other = before.iloc[0], before[before.target != before.target.iloc[0]].iloc[0]
    Path(other.images[0]).write_bytes(Path(one.images[0]).read_bytes())
    assert len(read("keep")) == len(before)
    assert set(before.case_id) - set(read("drop").case_id) == {one.case_id, other.case_id}
    with pytest.raises(DataError, match=str(other.case_id)):
        read("error")


def test_equal_bytes_are_one_group_and_equal_sizes_are_not(tmp_path: Path) -> None:
    tied = tie_equal_photos(cases(tmp_path, {"a": [b"xx"], "b": [b"xy"], "c": [b"xx"]}, ["NEV"] * 3), conflicts="error")
    assert list(tied.table.photo_group) == ["a", "b", "a"]
    assert any("one diagnosis: 1 times" in remark for remark in tied.remarks)


def test_cases_are_tied_through_others_that_share_a_photo_with_each(tmp_path: Path) -> None:
    photos = {"a": [b"1"], "b": [b"2", b"3"], "c": [b"1", b"3"], "d": []}
    tied = tie_equal_photos(cases(tmp_path, photos, ["NEV"] * 4))
    assert list(tied.table.photo_group) == ["a", "a", "a", None]


def test_one_file_named_by_two_cases_ties_them(tmp_path: Path) -> None:
    two = cases(tmp_path, {"a": [b"1"], "b": [b"2"]}, ["NEV", "BCC"])
    two.table.at[1, "images"] = two.table.at[0, "images"]
    assert list(tie_equal_photos(two).table.photo_group) == ["a", "a"]


@pytest.mark.parametrize(("conflicts", "left"), [("keep", 3), ("drop", 1)])
def test_conflicts_are_kept_or_dropped_and_told(tmp_path: Path, conflicts: str, left: int) -> None:
    three = cases(tmp_path, {"a": [b"1"], "b": [b"1"], "c": [b"2"]}, ["NEV", "BCC", None])
    settled = tie_equal_photos(three, conflicts=conflicts)  # type: ignore[arg-type]
    assert len(settled.table) == left
    assert "under different diagnoses, 1 times: a (NEV) = b (BCC)" in settled.remarks[-1]


def test_conflicts_can_be_an_error(tmp_path: Path) -> None:
    two = cases(tmp_path, {"a": [b"1"], "b": [b"1"]}, ["NEV", "BCC"])
    with pytest.raises(DataError, match=r"a \(NEV\) = b \(BCC\)\. Set data\.conflicts to keep or drop"):
        tie_equal_photos(two, conflicts="error")


def test_files_of_different_sizes_are_never_opened(tmp_path: Path) -> None:
    """A folder would raise when opened."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_bytes(b"x")
    assert equal_files([str(tmp_path / "a"), str(tmp_path / "b")]) == []


def picture(seed: int, file_format: str, *, size: tuple[int, int] = (8, 6)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, file_format)
    return content.getvalue()


def test_equal_pixels_are_one_photo_on_request(tmp_path: Path) -> None:
    png, bmp, other = picture(0, "PNG"), picture(0, "BMP"), picture(1, "PNG")
    three = cases(tmp_path, {"a": [png], "b": [bmp], "c": [other]}, ["NEV", "BCC", "NEV"])
    assert tie_equal_photos(three).table.photo_group.tolist() == ["a", "b", "c"]
    tied = tie_equal_photos(three, equal="pixels")
    assert tied.table.photo_group.tolist() == ["a", "a", "c"]
    assert tied.remarks[-1].startswith(
        "same photo (equal pixels) under different diagnoses, 1 times: a (NEV) = b (BCC)"
    )
    assert tie_equal_photos(three, equal="pixels", conflicts="drop").table.case_id.tolist() == ["c"]


def test_the_same_row_of_pixels_in_another_shape_is_another_photo_and_no_photo_is_like_none(tmp_path: Path) -> None:
    wide, tall = tmp_path / "wide.png", tmp_path / "tall.png"
    Image.new("RGB", (8, 6)).save(wide)
    Image.new("RGB", (6, 8)).save(tall)
    (tmp_path / "broken.png").write_bytes(b"no photo")
    assert equal_pixels([str(path) for path in tmp_path.iterdir()]) == []


def test_confirmed_copies_are_tied_and_said(tmp_path: Path) -> None:
    three = cases(tmp_path, {"a": [b"x"], "b": [b"y"], "c": [b"z"]}, ["NEV", "NEV", "BCC"])
    confirmed = tmp_path / "copies.csv"
    confirmed.write_text("first,second,how\na,b,cropped\n")
    tied = tie_equal_photos(three, copies=confirmed)
    assert tied.table.photo_group.tolist() == ["a", "a", "c"]
    assert tied.remarks[-1].startswith("same photo (equal bytes or confirmed copies) in two or more cases")
    confirmed.write_text("first,second\na,nobody\n")
    with pytest.raises(DataError, match="names no pair of cases of this table; its first is a and nobody"):
        tie_equal_photos(three, copies=confirmed)
    confirmed.write_text("one,other\na,b\n")
    with pytest.raises(DataError, match="first"):
        tie_equal_photos(three, copies=confirmed)
