"""Colour constancy by hand, and where it is applied."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmskin.encoders.colour_constancy import shades_of_gray
from mmskin.encoders.pixels import PreparePhoto
from mmskin.encoders.timm_image import TimmImageEncoder
from mmskin.errors import ConfigError

COLOURS = ("as_taken", "shades_of_gray")
TINY = {"model": "test_efficientnet", "image_size": 32}


def pixels(*rows: tuple[int, int, int]) -> torch.Tensor:
    """RGB pixels in one row: (3, 1, W)."""
    return torch.tensor(rows, dtype=torch.uint8).T[:, None]


def test_two_pixels_by_hand() -> None:
    """p = 1: e ~ (100, 50, 50), |e| / √3 = √(15000 / 3) = 70.71; gains .7071, 1.4142, 1.4142."""
    photo = pixels((120, 40, 60), (80, 60, 40))
    assert shades_of_gray(photo, power=1.0)[:, 0].T.tolist() == [[85, 57, 85], [57, 85, 57]]


def test_with_power_six_bright_pixels_tell_the_light() -> None:
    """e_c = ((a^6 + b^6) / 2)^(1/6): by numpy, in whole numbers before the root."""
    photo = pixels((240, 200, 120), (30, 20, 10))
    sums = [(240**6 + 30**6) / 2, (200**6 + 20**6) / 2, (120**6 + 10**6) / 2]
    light = np.array(sums) ** (1 / 6)
    gains = np.linalg.norm(light) / (np.sqrt(3) * light)
    expected = np.clip(np.rint(np.array([[240, 200, 120], [30, 20, 10]]) * gains), 0, 255)
    assert shades_of_gray(photo)[:, 0].T.tolist() == expected.tolist()


def test_grey_stays_grey_and_what_lacks_a_colour_stays_as_it_is() -> None:
    grey = pixels((10, 10, 10), (200, 200, 200))
    assert torch.equal(shades_of_gray(grey), grey)
    no_blue = pixels((10, 30, 0), (200, 20, 0))
    assert torch.equal(shades_of_gray(no_blue), no_blue)


def test_the_tint_of_a_lamp_goes_away() -> None:
    drawn = torch.from_numpy(np.random.default_rng(0).integers(10, 200, (3, 40, 40), dtype=np.uint8))
    tinted = (drawn.double() * torch.tensor([1.0, 0.8, 0.6]).view(3, 1, 1)).round().to(torch.uint8)
    plain, evened = shades_of_gray(drawn).double(), shades_of_gray(tinted).double()
    scale = evened.mean() / plain.mean()  # lamps differ in brightness too
    assert (evened - scale * plain).abs().max() < 3
    assert (tinted.double() - scale * drawn.double()).abs().max() > 20


def test_it_is_done_before_the_encoder_and_only_where_asked_for() -> None:
    photo = pixels((120, 40, 60), (80, 60, 40))
    prepare = {"size": (1, 2), "mean": (0.0,) * 3, "std": (1.0,) * 3}
    as_taken, evened = (PreparePhoto(**prepare, colour=colour)(photo)["pixels"] for colour in COLOURS)  # type: ignore[arg-type]
    assert torch.equal(as_taken, photo.float() / 255)
    assert torch.equal(evened, shades_of_gray(photo).float() / 255)


def test_an_encoder_takes_it_as_an_option_and_two_choices_have_two_feature_stores() -> None:
    one, other = (TimmImageEncoder(**TINY, colour=colour) for colour in COLOURS)  # type: ignore[arg-type]
    photo = torch.tensor([200, 120, 90], dtype=torch.uint8).view(3, 1, 1).expand(3, 40, 40)
    assert not torch.equal(one.prepare(photo)["pixels"], other.prepare(photo)["pixels"])
    assert repr(one.prepare) != repr(other.prepare)  # the fingerprint of stored features is made of it


def test_another_word_is_refused() -> None:
    with pytest.raises(ConfigError, match='or "shades_of_gray", however: colour=\'grey_world'):
        PreparePhoto(size=(8, 8), mean=(0.5,) * 3, std=(0.5,) * 3, colour="grey_world")  # type: ignore[arg-type]
