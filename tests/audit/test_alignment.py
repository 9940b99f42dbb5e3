from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from mmskin.audit.alignment import PARTS, SIDE, THUMBNAIL, _agreement, _refine, _search, align
from mmskin.synthetic.latents import default_design
from mmskin.synthetic.photo import render
from mmskin.synthetic.population import draw_cases

BICUBIC = Image.Resampling.BICUBIC


def photo(number: int, size: int = 192) -> Image.Image:
    """A photo of the synthetic clinic, grey."""
    case = draw_cases(default_design(), 8, seed=3)[number]
    return Image.fromarray(render(case, size=size).pixels).convert("L")


def thumbnails(*photos: Image.Image) -> NDArray[np.uint8]:
    return np.stack([np.asarray(picture.resize((THUMBNAIL, THUMBNAIL), BICUBIC)) for picture in photos])


def only(*photos: Image.Image) -> tuple[float, bool, bool]:
    (similarity,), (mirrored,), (moved,) = align(thumbnails(*photos), np.array([[0, 1]]))
    return float(similarity), bool(mirrored), bool(moved)


def mirror(picture: Image.Image) -> Image.Image:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def test_a_photo_agrees_with_itself_and_with_its_mirror_image() -> None:
    similarity, mirrored, moved = only(photo(0), photo(0))
    assert similarity == pytest.approx(1, abs=1e-3)
    assert (mirrored, moved) == (False, False)
    similarity, mirrored, moved = only(photo(0), mirror(photo(0)))
    assert similarity == pytest.approx(1, abs=1e-3)
    assert (mirrored, moved) == (True, False)


@pytest.mark.parametrize("box", [(0, 0, 173, 173), (19, 19, 192, 192), (10, 0, 182, 192), (8, 12, 181, 185)])
def test_a_window_of_nine_tenths_agrees_in_either_order(box: tuple[int, int, int, int]) -> None:
    """The third is cut in width only: its scale differs between rows and columns, on no step of the grid."""
    for pair in ((photo(1), photo(1).crop(box)), (photo(1).crop(box), photo(1))):
        similarity, mirrored, moved = only(*pair)
        assert similarity > 0.8
        assert (mirrored, moved) == (False, True)


def test_a_squeezed_photo_agrees_with_what_it_was() -> None:
    wide = photo(2).crop((0, 24, 192, 168))  # 4 : 3
    similarity, mirrored, moved = only(wide, wide.resize((144, 144), BICUBIC))
    assert similarity > 0.9
    assert (mirrored, moved) == (False, False)


def test_other_photos_do_not_agree() -> None:
    photos = thumbnails(*(photo(number) for number in range(8)))
    pairs = np.array([(i, j) for i in range(8) for j in range(i)])
    assert align(photos, pairs).similarity.max() < 0.2


def test_a_line_in_common_is_not_enough() -> None:
    """Half of the picture is the same, its upper half."""
    half = photo(3).copy()
    half.paste(photo(4).crop((0, 96, 192, 192)), (0, 96))
    assert only(photo(3), half)[0] < 0.2


def test_the_map_between_two_photos_is_recovered() -> None:
    """first(u) = f(M u) and second(v) = f(v) for a formula f: the map must come out as M."""
    rng = np.random.default_rng(0)
    waves = rng.uniform(-30, 30, size=(40, 2))  # up to 30 / π = 10 periods a side
    phases = rng.uniform(0, 2 * np.pi, size=40)
    line = (2 * np.arange(THUMBNAIL) + 1) / THUMBNAIL - 1
    x, y = np.meshgrid(line, line)
    wanted = np.array([[1.07, 0.01, 0.03], [-0.02, 0.96, -0.05]])

    def drawn(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint8]:
        values = np.cos(waves[:, 0, None, None] * x + waves[:, 1, None, None] * y + phases[:, None, None]).sum(0)
        return (128 + 8 * values).clip(0, 255).astype(np.uint8)

    through = [row[0] * x + row[1] * y + row[2] for row in wanted]
    grey = torch.from_numpy(np.stack([drawn(through[0], through[1]), drawn(x, y)]))
    fits = _search(grey, torch.tensor([[0, 1]]))
    maps, agreement = _refine(grey[:1].float(), grey[1:].float(), fits.maps)
    assert agreement.item() > 0.95
    assert np.abs(maps[0].numpy() - wanted).max() < 0.2 * 2 / SIDE  # a fifth of a pixel
    assert np.abs(fits.maps[0].numpy() - wanted).max() > 0.5 * 2 / SIDE  # the grid alone is farther off


def test_similarity_is_what_five_in_six_parts_reach() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.normal(size=(46, 46)).astype(np.float32) for _ in range(2))
    second[:, :30] = first[:, :30] + 0.5 * second[:, :30]
    parts = [slice(7 * i, 7 * i + 7) for i in range(PARTS)]  # 46 // 6 = 7
    by_part = [np.corrcoef(first[a, b].ravel(), second[a, b].ravel())[0, 1] for a in parts for b in parts]
    found = _agreement(torch.from_numpy(first)[None], torch.from_numpy(second)[None])
    assert found.item() == pytest.approx(np.quantile(by_part, 1 / 6), abs=1e-5)


def test_a_photo_without_detail_agrees_with_nothing() -> None:
    flat = Image.new("L", (64, 64), 120)
    assert only(flat, flat) == (0.0, False, False)
    assert only(flat, photo(0))[0] == 0.0


def test_no_pairs_and_any_chunk() -> None:
    photos = thumbnails(*(photo(number) for number in range(3)), mirror(photo(1)))
    assert align(photos, np.zeros((0, 2), np.int64)).similarity.shape == (0,)
    pairs = np.array([[2, 0], [1, 3], [0, 3], [1, 2]])
    whole, pieces = align(photos, pairs), align(photos, pairs, chunk=1)
    assert np.allclose(whole.similarity, pieces.similarity, atol=1e-4)
    assert whole.mirrored[1]
    assert list(whole.similarity > 0.4) == [False, True, False, False]
