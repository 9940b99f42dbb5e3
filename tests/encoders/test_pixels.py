from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_encoders import photo

from mmskin.encoders.pixels import PreparePhoto
from mmskin.errors import ConfigError, ImageError

HALF = (0.5, 0.5, 0.5)


def test_pixels_of_the_right_size_are_only_scaled() -> None:
    prepare = PreparePhoto(size=(1, 2), mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 1.0))
    raw = torch.tensor([[[0, 255]], [[0, 255]], [[0, 255]]], dtype=torch.uint8)

    # by hand: (0 - .5) / .5, (1 - .5) / .5; (0 - .25) / .25, (1 - .25) / .25; 0, 1
    assert prepare(raw)["pixels"].tolist() == [[[-1.0, 1.0]], [[-1.0, 3.0]], [[0.0, 1.0]]]


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_squash_equals_pillow_within_a_level(interpolation: str) -> None:
    # smooth content: on noise the two round differently at every pixel
    rows, columns = np.mgrid[0:90, 0:130]
    raw = np.stack([rows * 2, columns, 128 + 100 * np.sin(rows / 9)]).astype(np.uint8)
    prepare = PreparePhoto(size=(32, 32), mean=(0.0,) * 3, std=(1.0,) * 3, interpolation=interpolation)

    found = prepare(torch.from_numpy(raw))["pixels"] * 255

    image = Image.fromarray(raw.transpose(1, 2, 0))
    wanted = np.asarray(image.resize((32, 32), Image.Resampling[interpolation.upper()])).transpose(2, 0, 1)
    assert np.abs(found.numpy() - wanted).max() <= 1.01


def test_squash_keeps_the_border_and_crop_cuts_it_off() -> None:
    raw = torch.zeros(3, 40, 80, dtype=torch.uint8)
    raw[:, :, :10] = 255

    squashed = PreparePhoto(size=(20, 20), mean=(0.0,) * 3, std=(1.0,) * 3)(raw)["pixels"]
    cropped = PreparePhoto(size=(20, 20), mean=(0.0,) * 3, std=(1.0,) * 3, resize="crop")(raw)["pixels"]

    assert squashed[:, :, 0].min() > 0.95
    assert cropped.max() == 0


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 500), (333, 32), (31, 33), (45, 44)])
@pytest.mark.parametrize("share", [1.0, 0.875])
def test_every_shape_comes_out_at_the_size(height: int, width: int, share: float) -> None:
    for resize in ("squash", "crop"):
        prepare = PreparePhoto(size=(32, 32), mean=HALF, std=HALF, resize=resize, crop_share=share)  # type: ignore[arg-type]
        pixels = prepare(photo(0, height, width))["pixels"]
        assert pixels.shape == (3, 32, 32)
        assert pixels.dtype == torch.float32


@pytest.mark.parametrize("share", [1.0, 0.8])
@pytest.mark.parametrize(("height", "width"), [(40, 80), (80, 40), (33, 57)])
def test_what_is_seen_of_a_photo_is_what_comes_out(height: int, width: int, share: float) -> None:
    # Every pixel holds its own place: the first and last pixel that come out tell where they lay.
    columns = torch.arange(width).expand(3, height, width).to(torch.uint8)
    rows = torch.arange(height)[:, None].expand(3, height, width).to(torch.uint8)
    for resize in ("squash", "crop"):
        prepare = PreparePhoto((20, 20), (0.0,) * 3, (1.0,) * 3, "bilinear", resize, share)  # type: ignore[arg-type]
        left, top, right, bottom = prepare.seen(height, width)
        across, down = (prepare(raw)["pixels"][0] * 255 for raw in (columns, rows))
        step = max((right - left) * width, (bottom - top) * height) / 20
        assert float(across[0, 0]) == pytest.approx(left * width + step / 2 - 0.5, abs=1.0)
        assert float(across[0, -1]) == pytest.approx(right * width - step / 2 - 0.5, abs=1.0)
        assert float(down[0, 0]) == pytest.approx(top * height + step / 2 - 0.5, abs=1.0)
        assert float(down[-1, 0]) == pytest.approx(bottom * height - step / 2 - 0.5, abs=1.0)
    assert PreparePhoto((20, 20), HALF, HALF).seen(height, width) == (0, 0, 1, 1)


def test_crop_takes_the_share_of_the_shorter_side() -> None:
    raw = torch.zeros(3, 64, 64, dtype=torch.uint8)
    raw[:, 8:56, 8:56] = 255  # the middle 75 %
    cropped = PreparePhoto(size=(48, 48), mean=(0.0,) * 3, std=(1.0,) * 3, resize="crop", crop_share=0.75)(raw)
    assert cropped["pixels"].min() == 1


def test_prepare_is_picklable_and_tells_its_settings_in_its_repr() -> None:
    prepare = PreparePhoto(size=(8, 8), mean=HALF, std=HALF)
    again = pickle.loads(pickle.dumps(prepare))
    assert again == prepare
    assert "size=(8, 8)" in repr(prepare)
    assert "resize='squash'" in repr(prepare)


@pytest.mark.parametrize(
    "raw", [torch.zeros(3, 4, 4), torch.zeros(4, 4, 3, dtype=torch.uint8), torch.zeros(4, 4).byte()]
)
def test_what_is_no_rgb_photo_is_refused(raw: torch.Tensor) -> None:
    with pytest.raises(ImageError, match="uint8 RGB tensor of shape"):
        PreparePhoto(size=(8, 8), mean=HALF, std=HALF)(raw)


def test_unknown_resize_is_refused() -> None:
    with pytest.raises(ConfigError, match='"squash" or "crop", however: resize=\'fit\''):
        PreparePhoto(size=(8, 8), mean=HALF, std=HALF, resize="fit")  # type: ignore[arg-type]
