from __future__ import annotations

import pickle
import random

import numpy as np
import pytest
import torch
from torch import Tensor

from mmskin.config.build import build
from mmskin.data.seeds import view_seed
from mmskin.errors import ConfigError
from mmskin.inputs.augment import Augment

LUMINANCE = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
NOTHING = dict.fromkeys(
    ("rotation_degrees", "zoom", "shift", "brightness", "contrast", "saturation", "hue", "blur", "erase"), 0.0
)


def only(*, flip: bool = False, **options: float) -> Augment:
    """An augmentation of which all but the options named is switched off."""
    return Augment(flip=flip, **{**NOTHING, **options})


def make_photo(height: int = 32, width: int = 48) -> Tensor:
    """Coloured noise, far enough from 0 and 255 that nothing is cut off."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(80, 160, (3, height, width), dtype=torch.uint8, generator=generator)


def make_disc(height: int = 60, width: int = 60) -> Tensor:
    """A dark disc of radius 12 on a light ground."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    inside = (x - width // 2) ** 2 + (y - height // 2) ** 2 < 12**2
    return torch.where(inside, 60, 200).to(torch.uint8).expand(3, height, width).contiguous()


def test_view_seed_is_the_same_on_every_machine_and_day() -> None:
    # printf '3 1 PAT_8' | sha256sum → 70578143682551bc…; these 16 hex digits shifted right by one bit.
    assert view_seed("PAT_8", 1, 3) == 0x70578143682551BC >> 1


def test_view_seeds_of_cases_views_and_runs_differ() -> None:
    seeds = {view_seed(case, view, seed) for case in ("a", "b", "1 a") for view in range(20) for seed in range(20)}
    assert len(seeds) == 3 * 20 * 20
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_same_seed_gives_the_same_view_in_any_order() -> None:
    photo, augment = make_photo(), Augment()
    forth = [augment(photo, seed) for seed in range(12)]
    back = [augment(photo, seed) for seed in reversed(range(12))]
    assert all(torch.equal(a, b) for a, b in zip(forth, reversed(back), strict=True))
    assert not torch.equal(forth[0], forth[1])


def test_global_generators_are_neither_read_nor_moved() -> None:
    photo = make_photo()
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    first = Augment()(photo, 7)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert np.random.get_state()[1].tolist() == before[2]  # type: ignore[index] # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        assert torch.equal(Augment()(photo, 7), first)


def test_with_every_range_at_zero_the_view_is_the_photo() -> None:
    assert torch.equal(only()(make_photo(), 1), make_photo())


def test_flips_mirror_exactly_and_each_in_half_of_the_views() -> None:
    photo = make_photo()
    mirrored = {"none": photo, "x": photo.flip(2), "y": photo.flip(1), "both": photo.flip(1, 2)}
    counts = dict.fromkeys(mirrored, 0)
    for seed in range(200):
        view = only(flip=True)(photo, seed)
        (kind,) = (name for name, candidate in mirrored.items() if torch.equal(candidate, view))
        counts[kind] += 1
    assert min(counts.values()) > 30  # 50 expected of each, standard deviation 6


def test_brightness_multiplies_every_channel_alike() -> None:
    photo = make_photo()
    gains = []
    for seed in range(10):
        view = only(brightness=0.2)(photo, seed).float()
        gains.append(float(view.sum() / photo.float().sum()))
        assert torch.allclose(view, photo * gains[-1], atol=1.5)  # rounding or cutting off, and of the gain itself
    assert 0.79 < min(gains) < 0.97
    assert 1.03 < max(gains) < 1.21


def test_contrast_keeps_the_mean_grey() -> None:
    photo = make_photo()
    view = only(contrast=0.4)(photo, 5)
    assert float((view * LUMINANCE).sum(0).mean()) == pytest.approx(float((photo * LUMINANCE).sum(0).mean()), abs=1.5)
    assert float(view.float().std()) != pytest.approx(float(photo.float().std()), rel=0.02)


def test_saturation_keeps_the_luminance() -> None:
    photo = make_photo()
    view = only(saturation=0.4)(photo, 3)
    assert (view.int() - photo.int()).abs().max() > 3
    assert torch.allclose((view * LUMINANCE).sum(0), (photo * LUMINANCE).sum(0), atol=2.0)


@pytest.mark.parametrize("options", [{"saturation": 0.4}, {"hue": 0.1}])
def test_saturation_and_hue_leave_grey_alone_and_change_colour(options: dict[str, float]) -> None:
    grey = make_photo()[:1].expand(3, -1, -1)
    assert (only(**options)(grey, 3).int() - grey.int()).abs().max() <= 1
    assert (only(**options)(make_photo(), 3).int() - make_photo().int()).abs().max() > 3


def test_zoom_enlarges_the_lesion_up_to_the_square_of_its_range_and_never_shrinks_it() -> None:
    photo = make_disc()
    area = float((photo[0] < 130).sum())
    ratios = [float((only(zoom=0.3)(photo, seed)[0] < 130).sum()) / area for seed in range(40)]
    assert min(ratios) >= 0.97
    assert 1.4 < max(ratios) <= 1.3**2 + 0.05


def test_rotation_keeps_the_lesion_round_on_oblong_photos() -> None:
    disc = make_disc(60, 100)
    for seed in range(10):
        lesion = only(rotation_degrees=30)(disc, seed)[0, 12:48, 20:80] < 130
        assert 22 <= int(lesion.any(1).sum()) <= 25
        assert 22 <= int(lesion.any(0).sum()) <= 25


@pytest.mark.parametrize(
    "size",
    [(48, 48), (36, 64)],
)
def test_no_view_shows_corners_of_another_colour_than_the_photo(size: tuple[int, int]) -> None:
    photo = torch.tensor([190, 150, 130], dtype=torch.uint8).view(3, 1, 1).expand(3, *size)
    augment = only(flip=True, rotation_degrees=45, zoom=0.3, shift=0.08)
    assert max(int((augment(photo, seed).int() - photo.int()).abs().max()) for seed in range(100)) <= 1


def test_blur_smooths_and_keeps_the_mean() -> None:
    photo = make_photo(200, 200)
    views = [only(blur=1)(photo, seed).float() for seed in range(8)]
    assert min(float(view.std()) for view in views) < 0.5 * photo.float().std()
    assert [float(view.mean()) for view in views] == pytest.approx([float(photo.float().mean())] * 8, abs=0.5)


def test_erase_blanks_one_rectangle_of_2_to_10_percent() -> None:
    photo = make_photo(100, 100)
    for seed in range(20):
        view = only(erase=1)(photo, seed)
        changed = (view != photo).any(0)
        rows, columns = changed.any(1).nonzero().flatten(), changed.any(0).nonzero().flatten()
        blank = view[:, int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
        assert 170 <= blank[0].numel() <= 1050
        assert (blank == blank[:, :1, :1]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (7, 3)])
def test_a_tiny_photo_keeps_its_size(size: tuple[int, int]) -> None:
    assert Augment(blur=1, erase=1)(make_photo(*size), 1).shape == (3, *size)


def test_a_view_has_the_size_and_type_of_the_photo_and_the_photo_stays_as_it_was() -> None:
    photo = make_photo(120, 171)
    view = Augment(blur=1, erase=1)(photo, 1)
    assert view.shape == photo.shape
    assert view.dtype == torch.uint8
    assert torch.equal(photo, make_photo(120, 171))


def test_it_travels_to_other_processes() -> None:
    augment = Augment(blur=0.5)
    view = augment(make_photo(), 3)
    copy = pickle.loads(pickle.dumps(augment))
    assert copy == augment
    assert torch.equal(copy(make_photo(), 3), view)


def test_it_is_built_from_a_config_and_refuses_what_it_does_not_know() -> None:
    table = {"augment": Augment}
    assert build("augment", table, {"name": "augment", "zoom": 0.1}) == Augment(zoom=0.1)
    with pytest.raises(ConfigError, match="Did you mean 'brightness'"):
        build("augment", table, {"name": "augment", "britness": 0.1})
    with pytest.raises(ConfigError, match="zoom must lie between 0 and 1, however: 2"):
        build("augment", table, {"name": "augment", "zoom": 2})
    with pytest.raises(ConfigError, match="hue must lie between"):
        build("augment", table, {"name": "augment", "hue": float("nan")})


@pytest.mark.parametrize("photo", [torch.zeros(3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.uint8)])
def test_only_rgb_bytes_are_taken(photo: Tensor) -> None:
    with pytest.raises(ValueError, match=r"must be \(3, H, W\) uint8"):
        Augment()(photo, 1)
