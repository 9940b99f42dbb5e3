from __future__ import annotations

from pathlib import Path

import augmentation_contact_sheet as sheets
import numpy as np
import pytest
import torch
from PIL import Image

from mmskin.encoders.colour_constancy import shades_of_gray
from mmskin.inputs.augment import Augment
from mmskin.inputs.photos import load_image, to_tensor


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "lesion.png"
    Image.fromarray(np.random.default_rng(0).integers(60, 200, (50, 70, 3), dtype=np.uint8)).save(path)
    return path


def test_each_column_shows_the_plain_view_first_and_then_what_training_draws(photo: Path) -> None:
    taken = load_image(photo, max_side=64)
    by_column = {column: list(sheets.seen(taken, column, name="lesion.png", seed=0)) for column in sheets.COLUMNS}
    assert all(torch.equal(view, taken) for view in by_column["none"])
    assert torch.equal(by_column["light"][0], taken)
    assert torch.equal(by_column["light"][1], Augment()(taken, sheets.view_seed("lesion.png", 1, 0)))
    for plain, evened in zip(by_column["light"], by_column["colour_constancy"], strict=True):
        assert torch.equal(evened, shades_of_gray(plain))
    assert not torch.equal(by_column["strong"][1], by_column["light"][1])


def test_the_sheet_has_a_row_a_photo_and_three_tiles_a_column(photo: Path) -> None:
    page = sheets.sheet([photo, photo], photo_side=64, seed=0)
    one = sheets.sheet([photo], photo_side=64, seed=0)
    assert page.width == one.width
    assert page.height - one.height == sheets.SIDE + sheets.GAP
    box = (sheets.MARGIN, sheets.HEAD, sheets.MARGIN + sheets.SIDE, sheets.HEAD + sheets.SIDE)
    assert torch.equal(to_tensor(page.crop(box)), to_tensor(sheets.tile(load_image(photo, max_side=64))))
