"""Pictures that each gate is there for, measures by hand, and real photos that none stops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from non_lesion_pictures import drawing, drawn, stripes, text_page, white_noise
from real_data import real_data
from torch import Tensor

from mmskin.errors import ImageError
from mmskin.inputs.photo_gates import (
    at_side,
    coarse_contrast,
    colour_spread,
    commonest_colour,
    foreign_hues,
    gate_reasons,
    ink_on_paper,
    neighbour_correlation,
    one_direction,
    strongest_chroma,
)
from mmskin.inputs.photos import load_image

SKIN = torch.tensor([0.80, 0.63, 0.53]).view(3, 1, 1)


def plain(side: int = 224) -> Tensor:
    return SKIN.expand(3, side, side).clone()


def lesion(tone: Tensor = SKIN, side: int = 224) -> Tensor:
    """A brown disc on rough skin of a tone, lit from the left."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(side) - side / 2, torch.arange(side) - side / 2, indexing="ij")
    light = torch.linspace(1.05, 0.85, side)
    texture = light + 0.2 * torch.nn.functional.avg_pool2d(torch.randn(1, side, side, generator=generator), 3, 1, 1)
    inside = torch.sigmoid((side / 6 - x.hypot(y)) / 4)
    return ((tone * (1 - inside) + 0.45 * tone * inside) * texture).clamp(0, 1)


@pytest.mark.parametrize(
    ("make", "name"), [(stripes, "stripes"), (white_noise, "noise"), (text_page, "text"), (drawing, "few_colours")]
)
def test_each_kind_is_stopped_by_the_gate_that_is_named_for_it(make: object, name: str) -> None:
    pictures = drawn({"kind": make}, each=20, seed=5)["kind"]  # type: ignore[dict-item]
    stopped = [name in gate_reasons(picture / 255) for picture in pictures]
    assert np.mean(stopped) >= 0.85


def test_pictures_of_one_hue_are_stopped_with_the_reason_in_words() -> None:
    reasons = gate_reasons(plain())
    assert reasons["one_colour"] == "the picture has almost only one colour"
    assert {"contrast", "few_colours"} <= set(reasons)
    assert "grey" in gate_reasons(lesion(torch.full((3, 1, 1), 0.6)))
    assert "not_skin" in gate_reasons(lesion(torch.tensor([0.2, 0.6, 0.3]).view(3, 1, 1)))


@pytest.mark.parametrize("tone", [(0.93, 0.80, 0.74), (0.80, 0.63, 0.53), (0.55, 0.37, 0.26), (0.30, 0.20, 0.16)])
@pytest.mark.parametrize("side", [96, 224, 500])
def test_a_lesion_on_skin_of_any_tone_and_size_passes(tone: tuple[float, ...], side: int) -> None:
    assert gate_reasons(lesion(torch.tensor(tone).view(3, 1, 1), side)) == {}


def test_measures_of_two_halves_by_hand() -> None:
    """Left half (.2, .2, .2), right half (.8, .6, .2): red spreads by .3, green by .2."""
    photo = torch.full((3, 224, 224), 0.2)
    photo[0, :, 112:], photo[1, :, 112:] = 0.8, 0.6
    assert colour_spread(photo) == pytest.approx(0.3)
    assert strongest_chroma(photo) == pytest.approx(0.6)
    assert commonest_colour(photo) == pytest.approx(0.5)
    assert foreign_hues(photo) == 0
    lightness = 0.299 * 0.6 + 0.587 * 0.4  # of the right half above the left
    opponent = [lightness, 0.2, 0.5]  # red − green: 0 and .2; (red + green) / 2 − blue: 0 and .5
    assert coarse_contrast(photo) == pytest.approx(np.linalg.norm(opponent) / 2, rel=1e-4)
    ink = ink_on_paper(photo)
    assert (ink.parted, ink.paper) == pytest.approx((1, 0.5), abs=0.02)
    assert ink.gap == pytest.approx(lightness, abs=1 / 64)
    assert ink.edges == pytest.approx(1 / 223)


def test_hues_that_no_skin_has_are_counted() -> None:
    photo = plain()
    photo[:, :56] = torch.tensor([0.2, 0.3, 0.2]).view(3, 1, 1)
    photo[:, 56:112] = torch.tensor([0.2, 0.2, 0.35]).view(3, 1, 1)
    assert foreign_hues(photo) == pytest.approx(0.5)


def test_direction_and_correlation_at_their_limits() -> None:
    wave = torch.sin(torch.arange(224) * 0.5).expand(3, 224, 224) / 2 + 0.5
    assert one_direction(wave) > 0.99
    noise = torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(0))
    assert one_direction(noise) == pytest.approx(3 / 60, abs=0.03)  # on a grid, no direction has just its share
    assert neighbour_correlation(noise) == pytest.approx(0, abs=0.02)
    checks = ((torch.arange(224)[:, None] + torch.arange(224)) % 2).float().expand(3, 224, 224)
    assert neighbour_correlation(checks) == pytest.approx(-1, abs=0.02)
    assert neighbour_correlation(plain()) == 1


def test_what_is_no_photo_tensor_is_refused() -> None:
    with pytest.raises(ImageError, match=r"float RGB of shape \(3, H, W\), however: torch.uint8"):
        gate_reasons(torch.zeros(3, 8, 8, dtype=torch.uint8))
    with pytest.raises(ImageError, match=r"however: torch.float32 \(1, 8, 8\)"):
        gate_reasons(torch.zeros(1, 8, 8))
    with pytest.raises(ImageError, match=r"pixels must lie in \[0, 1\], however: 0 to 255; divide by 255"):
        gate_reasons(torch.tensor([0.0, 255.0]).expand(3, 2, 2))
    with pytest.raises(ImageError, match=r"however: nan"):
        gate_reasons(torch.full((3, 8, 8), torch.nan))


def test_a_narrow_picture_is_read_all_the_same() -> None:
    assert at_side(plain(400)[:, :2]).shape == (3, 16, 224)
    assert "one_colour" in gate_reasons(plain()[:, :1, :1])


def test_real_photos_pass() -> None:
    folder = real_data("pad_ufes_20") / "images"
    photos = sorted(folder.glob("*.jpg"))[::25]
    assert [path.name for path in photos if gate_reasons(load_image(path) / 255)] == []
