from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from mmskin.features import Features
from mmskin.inputs.augment import Augment
from mmskin.inputs.corrupted_reader import corrupted_reader
from mmskin.inputs.corruptions import CORRUPTIONS, SEVERITIES, Corruption, corrupt
from mmskin.inputs.corruptions.camera import crop
from mmskin.inputs.feature_store import FeatureStore, StoredPhotos
from mmskin.inputs.photo_variations import PhotoVariations
from mmskin.inputs.photos import to_tensor
from mmskin.inputs.readers import ColumnsReader, PhotoReader, RawCase
from mmskin.schema import History
from mmskin.synthetic.case import VALUES, SyntheticCase
from mmskin.synthetic.photo import render

WITHOUT_CHANCE = {"blur", "jpeg", "dark", "bright"}
each = pytest.mark.parametrize("name", CORRUPTIONS)

Pixels = NDArray[np.uint8]


def drawn_photo(number: int = 0) -> Pixels:
    values = {name: each[0] for name, each in VALUES.items()}
    case = SyntheticCase(f"case_{number}", f"patient_{number}", "alvita", values, seed=5)
    return render(case, size=128).pixels


@pytest.fixture(scope="module")
def photos() -> list[Pixels]:
    """Square, and cut to landscape and portrait."""
    return [drawn_photo(0), drawn_photo(1)[20:100], drawn_photo(2)[:, 30:110]]


def distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).mean())


# --- contracts over the table ---


@each
def test_a_fault_keeps_size_and_kind_and_leaves_the_photo_itself_alone(name: str, photos: list[Pixels]) -> None:
    small = drawn_photo()[50:57, 50:59]
    for photo in (*photos, small):
        before = photo.copy()
        for severity in SEVERITIES:
            faulty = corrupt(photo, Corruption(name, severity), case_id="c")
            assert faulty.shape == photo.shape
            assert faulty.dtype == np.uint8
            assert not np.shares_memory(faulty, photo)
        assert np.array_equal(photo, before)


@each
def test_a_fault_is_the_same_every_time(name: str, photos: list[Pixels]) -> None:
    faults = [Corruption(name, 3), Corruption(name, 5), Corruption(name, 3)]
    first, other, again = (corrupt(photos[0], fault, case_id="c") for fault in faults)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@each
def test_another_case_or_another_photo_of_it_has_another_draw_where_there_is_chance(
    name: str, photos: list[Pixels]
) -> None:
    one, other, second = (
        corrupt(photos[0], Corruption(name, 5), case_id=case_id, place=place)
        for case_id, place in (("c", 0), ("d", 0), ("c", 1))
    )
    assert np.array_equal(one, other) == (name in WITHOUT_CHANCE)
    assert np.array_equal(one, second) == (name in WITHOUT_CHANCE)


@each
def test_a_higher_severity_is_farther_from_the_clean_photo(name: str, photos: list[Pixels]) -> None:
    away = [
        np.mean(
            [distance(photo, corrupt(photo, Corruption(name, k), case_id=f"c{n}")) for n, photo in enumerate(photos)]
        )
        for k in SEVERITIES
    ]
    assert away[0] > 0
    assert np.all(np.diff(away) > 0), away


@each
def test_at_the_highest_severity_there_is_still_a_photo(name: str, photos: list[Pixels]) -> None:
    """Of what is light and dark in the middle some is left: it is neither one colour nor noise alone."""
    for number, photo in enumerate(photos):
        faulty = corrupt(photo, Corruption(name, 5), case_id=f"c{number}")
        grey = [Image.fromarray(of).convert("L").resize((16, 16), Image.Resampling.BOX) for of in (photo, faulty)]
        clean, left = (np.asarray(of, dtype=np.float64)[4:12, 4:12].ravel() for of in grey)
        if name != "crop":  # which is another part of it
            assert np.corrcoef(clean, left)[0, 1] > 0.3
        assert left.std() > 2


# --- answers that are known ---


def test_dark_and_bright_multiply_by_their_level_and_end_at_white() -> None:
    photo = np.array([[[0, 50, 100], [150, 200, 255]]], dtype=np.uint8)
    for name in ("dark", "bright"):
        for severity, factor in zip(SEVERITIES, CORRUPTIONS[name].levels, strict=True):
            expected = np.minimum(np.rint(photo * np.float64(factor)), 255)
            assert np.abs(corrupt(photo, Corruption(name, severity), case_id="c") - expected).max() <= 1
    assert CORRUPTIONS["dark"].levels[4] == 0.33
    assert corrupt(photo, Corruption("dark", 5), case_id="c")[0, 1, 1] == 66  # .33 of 200


def test_blur_and_motion_leave_one_colour_and_the_sum_of_light_as_they_are() -> None:
    flat = np.full((40, 60, 3), (200, 120, 90), dtype=np.uint8)
    point = np.zeros((101, 101, 3), dtype=np.uint8)
    point[48:53, 48:53] = 255
    for name in ("blur", "motion_blur"):
        assert distance(corrupt(flat, Corruption(name, 5), case_id="c"), flat) == 0
        spread = corrupt(point, Corruption(name, 5), case_id="c")
        assert spread.sum() == pytest.approx(point.sum(), rel=0.05)  # values are rounded
        rows, columns = np.nonzero(spread[..., 0] > 3)
        assert (rows.mean(), columns.mean()) == pytest.approx((50, 50), abs=0.5)
    rows, _ = np.nonzero(corrupt(point, Corruption("blur", 5), case_id="c")[..., 0] > 3)
    assert np.ptp(rows) == pytest.approx(2 * 0.03 * 101 + 4, abs=2)  # the disc's diameter, and the square's side


def test_noise_has_its_deviation_and_is_more_of_the_same() -> None:
    grey = np.full((200, 200, 3), 128, dtype=np.uint8)
    first, fifth = (corrupt(grey, Corruption("noise", k), case_id="c") / 255.0 - 128 / 255 for k in (1, 5))
    levels = CORRUPTIONS["noise"].levels
    assert (first.std(), fifth.std()) == pytest.approx((levels[0], levels[4]), rel=0.03)
    assert np.corrcoef(first.ravel(), fifth.ravel())[0, 1] > 0.99


def test_jpeg_is_pillows_at_that_quality(photos: list[Pixels], tmp_path) -> None:
    Image.fromarray(photos[0]).save(tmp_path / "a.jpg", quality=9, subsampling="4:2:0")
    with Image.open(tmp_path / "a.jpg") as read:
        expected = np.asarray(read.convert("RGB"))
    assert np.array_equal(corrupt(photos[0], Corruption("jpeg", 5), case_id="c"), expected)


def test_a_cast_leaves_grey_as_light_and_black_black() -> None:
    grey = np.full((4, 4, 3), 100, dtype=np.uint8)
    for case_id in "abcdef":
        cast = corrupt(grey, Corruption("colour_cast", 5), case_id=case_id)
        assert cast[0, 0] @ np.array([0.299, 0.587, 0.114]) == pytest.approx(100, abs=1)
        assert np.ptp(cast[0, 0].astype(int)) > 10
    assert not corrupt(np.zeros_like(grey), Corruption("colour_cast", 5), case_id="a").any()


def test_a_vignette_is_dark_in_the_corners_and_leaves_the_middle() -> None:
    white = np.full((101, 151, 3), 255, dtype=np.uint8)
    faulty = corrupt(white, Corruption("vignette", 5), case_id="c")
    assert (faulty[46:55, 71:80] == 255).all()
    assert min(int(faulty[row, column, 0]) for row in (0, -1) for column in (0, -1)) < 60


def test_a_crop_lies_inside_those_of_lower_severity_and_holds_the_middle() -> None:
    """The photo's values are its own coordinates, so a crop tells which window it shows."""
    y, x = np.mgrid[:200, :200].astype(np.float32) / 200
    places = np.stack([x, y, x], axis=-1)
    for seed in range(5):
        windows = []
        for aside in CORRUPTIONS["crop"].levels:
            shown = crop(places, aside, np.random.default_rng(seed))
            windows.append([shown[..., 0].min(), shown[..., 0].max(), shown[..., 1].min(), shown[..., 1].max()])
        for wider, narrower in pairwise(windows):
            assert np.all((np.array(narrower) - wider) * (1, -1, 1, -1) > -0.01)
        left, right, top, bottom = windows[-1]
        assert left < 0.5 < right
        assert top < 0.5 < bottom
        assert right - left == pytest.approx(1 / 1.9, abs=0.02)


@pytest.mark.parametrize("name", ["hair", "pen", "ruler"])
def test_what_lies_on_the_skin_covers_more_and_leaves_the_rest_as_it_is(name: str) -> None:
    skin = np.full((128, 160, 3), (205, 160, 135), dtype=np.uint8)
    covered = [(corrupt(skin, Corruption(name, k), case_id="c") != skin).any(axis=2) for k in SEVERITIES]
    for less, more in pairwise(covered):
        assert (more | ~less).all()
        assert more.sum() > less.sum()
    assert covered[4].mean() < 0.5


def test_a_ruler_stands_on_its_share_of_one_edge() -> None:
    skin = np.full((100, 200, 3), (205, 160, 135), dtype=np.uint8)
    seen = set()
    for case_id in map(str, range(20)):
        covered = (corrupt(skin, Corruption("ruler", 5), case_id=case_id) != skin).any(axis=2)
        whole = covered.all(axis=1).sum(), covered.all(axis=0).sum()
        assert whole in ((27, 0), (0, 54))
        seen.add((whole, bool(covered[0].all()), bool(covered[:, 0].all())))
    assert len(seen) == 4


# --- the readers ---


class AsRead:
    """Pixels as they are, in place of an encoder's preparation."""

    def __call__(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"pixels": pixels}


def case_of(paths: list[str]) -> RawCase:
    return RawCase("c7", {"image": paths}, History({}))


@pytest.fixture
def paths(tmp_path, photos: list[Pixels]) -> list[str]:
    for number in range(2):
        Image.fromarray(photos[number]).save(tmp_path / f"{number}.png")
    return [str(tmp_path / f"{number}.png") for number in range(2)]


def read(reader: PhotoReader, case: RawCase) -> list[Pixels]:
    rows = [row for row in reader(case) if not isinstance(row, Features)]
    return [row["pixels"].permute(1, 2, 0).numpy() for row in rows]


def test_a_reader_gives_every_photo_of_a_case_its_own_draw(paths: list[str], photos: list[Pixels]) -> None:
    plain = PhotoReader("image", AsRead(), keep=4)
    fault = Corruption("hair", 3)
    expected = [corrupt(photos[place], fault, case_id="c7", place=place) for place in range(2)]
    for _ in range(2):  # from disk, and from memory
        for faulty, photo in zip(read(plain.corrupted(fault), case_of(paths)), expected, strict=True):
            assert np.array_equal(faulty, photo)
    in_memory = RawCase("c7", {"image": [to_tensor(Image.fromarray(photo)) for photo in photos[:2]]}, History({}))
    assert all(map(np.array_equal, read(plain.corrupted(fault), in_memory), expected))
    assert all(map(np.array_equal, read(plain, case_of(paths)), photos))


def test_a_fault_comes_before_a_variation(paths: list[str], photos: list[Pixels]) -> None:
    augment, fault = Augment(), Corruption("ruler", 5)
    reader = PhotoReader("image", AsRead()).corrupted(fault)
    (varied,) = list(PhotoVariations(augment, (11,)).readers({"image": reader}))[1].values()
    assert isinstance(varied, PhotoReader)
    faulty = corrupt(photos[0], fault, case_id="c7")
    expected = augment(torch.from_numpy(faulty).permute(2, 0, 1), 11).permute(1, 2, 0).numpy()
    assert np.array_equal(read(varied, case_of(paths))[0], expected)


def test_behind_a_feature_store_photos_are_read_anew_and_none_is_filed(tmp_path, paths: list[str]) -> None:
    plain = PhotoReader("image", AsRead())
    stored = StoredPhotos(FeatureStore(tmp_path / "s"), plain)
    faulty = corrupted_reader(stored, Corruption("dark", 5))
    assert isinstance(faulty, PhotoReader)
    assert faulty.corruption == ("dark", 5)
    assert plain.corruption is None
    with pytest.raises(AssertionError, match="filed as the photo itself"):
        StoredPhotos(stored.store, faulty)
    columns = ColumnsReader(lambda history: {})
    assert corrupted_reader(columns, Corruption("dark", 5)) is columns


def test_features_can_be_given_no_fault() -> None:
    case = RawCase("c7", {"image": [Features(torch.zeros(3))]}, History({}))
    with pytest.raises(ValueError, match="features of a photo can be given no fault"):
        PhotoReader("image", AsRead()).corrupted(Corruption("dark", 5))(case)
