from __future__ import annotations

import io

import numpy as np
import pytest
from page.phone_photo import phone_photo
from PIL import Image

from mmskin.errors import ImageError
from mmskin.inputs.photos import open_rgb
from mmskin.page.photos import Photos

ANN, BOB = "a" * 32, "b" * 32


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_shown_holds_pixels_and_nothing_else() -> None:
    photos = Photos(max_side=64)
    sent = phone_photo()
    assert b"Mustermann" in sent
    kept = photos.get(photos.keep(sent, ANN), ANN)
    assert kept is not None
    for hidden in (b"Mustermann", b"Exif", b"hidden"):
        assert hidden not in kept.shown
    shown = Image.open(io.BytesIO(kept.shown))
    assert not dict(shown.getexif())
    assert shown.size == (100, 200)  # upright


def test_the_model_reads_the_same_pixels_as_from_the_file() -> None:
    photos = Photos(max_side=64)
    kept = photos.get(photos.keep(phone_photo(), ANN), ANN)
    assert kept is not None
    read = open_rgb(open_rgb(kept.image, max_side=64).image, max_side=64).image
    np.testing.assert_array_equal(np.asarray(read), np.asarray(open_rgb(phone_photo(), max_side=64).image))


def test_a_photo_is_its_owners_alone_and_an_example_everybodys() -> None:
    photos = Photos(max_side=64)
    anns, example = photos.keep(phone_photo(), ANN), photos.keep(Image.new("RGB", (9, 9)), None)
    assert photos.get(anns, BOB) is None
    assert photos.get(anns, "") is None
    assert photos.get("nothing.jpg", ANN) is None
    assert photos.get(example, BOB) is not None


def test_a_photo_is_forgotten_minutes_after_its_last_use_an_example_never() -> None:
    clock = Clock()
    photos = Photos(max_side=64, minutes=10, clock=clock)
    name, example = photos.keep(phone_photo(), ANN), photos.keep(Image.new("RGB", (9, 9)), None)
    clock.now = 599
    assert photos.get(name, ANN) is not None  # counts as a use
    clock.now = 599 + 599
    assert photos.get(name, ANN) is not None
    clock.now += 601
    assert photos.get(name, ANN) is None
    assert photos.get(example, BOB) is not None
    assert len(photos) == 1


def test_memory_is_bounded_the_oldest_leave_first() -> None:
    photos = Photos(max_side=64, most=3)
    example = photos.keep(Image.new("RGB", (9, 9)), None)
    names = [photos.keep(Image.new("RGB", (9, 9)), ANN) for _ in range(5)]
    assert [photos.get(name, ANN) is not None for name in names] == [False, False, True, True, True]
    assert photos.get(example, ANN) is not None


def test_what_is_no_photo_is_refused_and_not_kept() -> None:
    photos = Photos(max_side=64)
    with pytest.raises(ImageError, match="no image at all"):
        photos.keep(b"only text under the name lesion.jpg", ANN)
    assert len(photos) == 0
