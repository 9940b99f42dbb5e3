"""Photos found where they lie, by the names that a table has for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmskin.data import photo_search
from mmskin.data.photo_search import search_photos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a/k1.JPG", "a/k2.png", "b/deep/k3.jpg", "a/same.jpg", "b/same.jpg", "a/other.jpg", "b/other.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" if "other" not in name else name.encode())
    (tmp_path / "a/img.v2.jpg").write_bytes(b"y")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "lies"),
    [
        ("a/k1.JPG", "a/k1.JPG"),  # as it stands
        ("a/k1.jpg", "a/k1.JPG"),  # in other letters
        ("A/K1", "a/k1.JPG"),  # without ending
        ("a/k2.jpg", "a/k2.png"),  # with another ending
        ("a/k2.tiff", "a/k2.png"),
        ("k3.jpg", "b/deep/k3.jpg"),  # deeper
        ("photos/k3.jpg", "b/deep/k3.jpg"),  # in a folder that is gone
        ("same.jpg", "a/same.jpg"),  # equal copies are one photo
        ("a/img.v2", "a/img.v2.jpg"),  # a point in the name is no ending
    ],
)
def test_a_photo_is_found_where_it_lies(folder: Path, name: str, lies: str) -> None:
    search = search_photos(folder, [name])
    assert search.found == {name: str(folder / lies)}
    assert not search.absent
    assert not search.refused
    assert bool(search.remarks) == (name != lies)


def test_how_many_lie_elsewhere_is_said(folder: Path) -> None:
    search = search_photos(folder, ["a/k1.jpg", "a/k1.jpg", "k3.jpg", "a/k2.png", "same.jpg"])
    assert search.remarks == [
        "3 photos were found with another ending, in other letters or in another folder: a/k1.jpg at a/k1.JPG, "
        "k3.jpg at b/deep/k3.jpg, same.jpg at a/same.jpg",
        "1 photos lie in several equal copies: one of each is read",
    ]


def test_a_photo_whose_folder_is_in_use_is_not_taken_from_another(folder: Path) -> None:
    (folder / "masks").mkdir()
    (folder / "masks/k1.png").write_bytes(b"a mask")
    (folder / "a/k1.JPG").unlink()
    assert search_photos(folder, ["a/k1.jpg", "a/k2.png"]).absent == ["a/k1.jpg"]
    assert search_photos(folder, ["gone/k1.jpg"]).found == {"gone/k1.jpg": str(folder / "masks/k1.png")}


def test_what_is_not_there_is_absent_and_what_may_be_two_is_neither(folder: Path) -> None:
    search = search_photos(folder, ["k9.jpg", "other.jpg", "../secret.jpg"])
    assert search.absent == ["k9.jpg"]
    assert search.refused["other.jpg"] == "'other.jpg' may be a/other.jpg or b/other.jpg, which differ"
    assert "lies outside" in search.refused["../secret.jpg"] or "leads out" in search.refused["../secret.jpg"]
    assert not search.found


def test_nothing_outside_the_folder_is_found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "k7.jpg"
    secret.write_bytes(b"secret")
    (folder / "b/k7.JPG").symlink_to(secret)
    search = search_photos(folder, ["k7.jpg"])
    assert "is a link that leads out of" in search.refused["k7.jpg"]
    assert not search.found


def test_a_whole_path_is_not_looked_for_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With whole paths the folder may be that of the whole disk, which nobody wants walked."""
    monkeypatch.setattr(photo_search, "find_photos", lambda root: pytest.fail("walked"))
    search = search_photos(Path(folder.anchor), [str(folder / "a/k1.JPG"), str(folder / "gone.jpg")])
    assert list(search.found) == [str(folder / "a/k1.JPG")]
    assert search.absent == [str(folder / "gone.jpg")]


def test_two_names_that_would_be_one_photo_are_refused(folder: Path) -> None:
    search = search_photos(folder, ["left/k3.jpg", "right/k3.jpg"])
    assert set(search.refused) == {"left/k3.jpg", "right/k3.jpg"}
    assert "lies there once for left/k3.jpg and right/k3.jpg" in search.refused["left/k3.jpg"]
    assert not search.found


def test_nothing_is_looked_for_where_nobody_named_the_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.jpg").touch()
    (tmp_path / "b.jpg").touch()
    search = search_photos(tmp_path, ["a.jpg", "b.jpg"], elsewhere_too=False)
    assert (list(search.found), search.absent) == (["b.jpg"], ["a.jpg"])
    assert list(search_photos(tmp_path, ["a.jpg"]).found) == ["a.jpg"]
