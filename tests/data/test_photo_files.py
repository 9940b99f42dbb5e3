from __future__ import annotations

from pathlib import Path

import pytest

from mmskin.data.photo_files import find_photos, join_photos
from mmskin.errors import DataError


def files(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"?")


def test_photos_are_found_by_stem_at_any_depth_in_any_format(tmp_path: Path) -> None:
    files(tmp_path, "part_1/a.png", "b.JPG", "._c.png", "notes.txt", "part_2/deep/d.webp")
    assert set(find_photos(tmp_path)) == {"a", "b", "d"}


def test_photos_are_joined_by_stem_and_what_has_no_partner_is_told(tmp_path: Path) -> None:
    files(tmp_path, "a.jpg", "b.jpg", "z.jpg")
    found, remarks = join_photos([["b", "a"], ["gone", "a"], []], find_photos(tmp_path), where="images")
    assert found == {stem: str(tmp_path / f"{stem}.jpg") for stem in ("a", "b")}
    assert remarks == [
        "1 of 3 photos are not under images: gone",
        "1 photos under images have no row and are not used: z",
    ]


def test_two_files_of_one_stem_are_refused_where_they_are_wanted(tmp_path: Path) -> None:
    files(tmp_path, "a.jpg", "copy/a.png")
    (tmp_path / "copy/a.png").write_bytes(b"another")
    with pytest.raises(
        DataError, match=r"1 photos lie in two files that differ: .*a\.jpg and .*a\.png; keep one of each"
    ):
        join_photos([["a"]], find_photos(tmp_path), where="images")
    assert join_photos([["b"]], find_photos(tmp_path), where="images")[0] == {}


def test_of_equal_copies_one_is_read_and_that_is_said(tmp_path: Path) -> None:
    files(tmp_path, "a/x.jpg", "b/x.jpg")
    found, remarks = join_photos([["x"]], find_photos(tmp_path), where="images")
    assert found == {"x": str(tmp_path / "a/x.jpg")}
    assert remarks == ["1 photos lie in several equal copies: one of each is read"]
