"""Photo names that lead elsewhere: none is opened, and each is told why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mmskin.data.photo_paths import MissingPhoto, PhotoFolder
from mmskin.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    (root / "a.png").touch()
    (root / "sub" / "B.JPG").touch()
    (tmp_path / "secret.png").touch()
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    (root / "in.png").symlink_to(root / "a.png")
    os.mkfifo(root / "pipe.png")
    return root


def test_photos_inside_are_found_by_relative_and_absolute_path(folder: Path) -> None:
    photos = PhotoFolder(folder)
    assert photos.locate("a.png") == str(folder / "a.png")
    assert photos.locate("sub/B.JPG") == str(folder / "sub" / "B.JPG")
    assert photos.locate(str(folder / "a.png")) == str(folder / "a.png")
    assert photos.locate("in.png") == str(folder / "in.png")


def test_a_root_that_is_itself_a_link_works(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert PhotoFolder(tmp_path / "link").locate("a.png") == str(tmp_path / "link" / "a.png")
    assert PhotoFolder(tmp_path / "link").locate(str(folder / "a.png")) == str(folder / "a.png")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../secret.png", "leads out of its folder by '..'"),
        ("sub/../../secret.png", "leads out of its folder by '..'"),
        ("/etc/passwd", "lies outside"),
        ("/dev/zero", "lies outside"),
        ("out.png", "a link that leads out"),
        ("sub", "a folder or a device"),
        ("pipe.png", "a folder or a device"),
        ("http://example.org/a.png", "is a URL"),
        ("file:///etc/passwd", "is a URL"),
        ("data:image/png;base64,AAAA", "is a URL"),
        ("sub\\B.JPG", "use / between folders"),
        ("~/a.png", "is a pattern"),
        ("*.png", "is a pattern"),
        ("a\x00.png", "control characters"),
        ("a\n.png", "control characters"),
        ("a" * 5000, "5000 characters long"),
    ],
)
def test_names_that_are_no_photo_inside_are_refused(folder: Path, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        PhotoFolder(folder).locate(name)
    assert not isinstance(caught.value, MissingPhoto)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("b.png", "'b.png'"),
        ("A.png", "'A.png'"),
        ("sub/b.jpg", "'sub/b.jpg'"),
        ("none/b.jpg", "'none/b.jpg'"),
        ("b" * 300, "bbb"),
    ],
)
def test_absent_photos_are_told_apart_from_refused_names(folder: Path, name: str, message: str) -> None:
    with pytest.raises(MissingPhoto, match=message):
        PhotoFolder(folder).locate(name)
