from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from mmskin.api.predictor import Predictor
from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.pixels import PreparePhoto, Resize
from mmskin.explain.overlay import overlay
from mmskin.features import Features
from mmskin.fusion.single import SingleModality
from mmskin.losses.cross_entropy import CrossEntropyLoss
from mmskin.model.classifier import MultimodalClassifier
from mmskin.schema import Schema
from mmskin.trained.trained_model import TrainedModel


class Redness(Encoder):
    """A map of 8 x 8: how red each patch of 8 pixels is. Nothing is learned, so the map is known."""

    out_dim = 1
    grid = (8, 8)

    def __init__(self, resize: Resize) -> None:
        super().__init__()
        half = (0.5, 0.5, 0.5)
        self.prepare = PreparePhoto(size=(64, 64), mean=half, std=half, interpolation="bilinear", resize=resize)

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        red = inputs["pixels"][:, :1] - inputs["pixels"][:, 1:2]
        tokens = F.avg_pool2d(red, 8).flatten(2).transpose(1, 2)
        return Features(tokens.mean(1), tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


def redness_predictor(resize: Resize) -> Predictor:
    """Class "red" has the mean redness as its logit."""
    model = MultimodalClassifier({"image": Redness(resize)}, SingleModality("image", {"image": 1}, 2))
    assert model.head is not None
    with torch.no_grad():
        model.head[-1].weight.copy_(torch.tensor([[1.0], [0.0]]))
    schema = Schema(name="red", classes=("red", "grey"), fields=())
    loss = CrossEntropyLoss(torch.tensor([1, 1]))
    return Predictor(TrainedModel(model, loss, schema, temperature=1.0, photo_side=240))


@pytest.mark.parametrize(
    ("resize", "size", "corner"),
    [
        ("squash", (300, 200), (0, 0)),
        ("squash", (300, 200), (262, 175)),
        ("squash", (200, 300), (175, 0)),
        # Of 300 x 200 the middle 200 x 200 are seen, from column 50 to 250; of 200 x 300 rows 50 to 250.
        ("crop", (300, 200), (50, 0)),
        ("crop", (300, 200), (225, 175)),
        ("crop", (200, 300), (175, 50)),
        ("crop", (200, 300), (0, 225)),
    ],
)
def test_a_lesion_in_the_corner_of_what_is_seen_is_warm_where_it_lies(
    resize: Resize, size: tuple[int, int], corner: tuple[int, int]
) -> None:
    photo = Image.new("RGB", size, (150, 150, 150))
    width, height = (size[0] // 8, size[1] // 8) if resize == "squash" else (25, 25)  # one cell of the map
    photo.paste((220, 40, 40), (*corner, corner[0] + width, corner[1] + height))
    found = redness_predictor(resize).photo_map(photo, target="red")
    plain, drawn = (np.asarray(found.over(photo, opacity=share)).astype(float) for share in (0.0, 1.0))
    middle = corner[1] + height // 2, corner[0] + width // 2
    warmth = np.linalg.norm(drawn - drawn[middle], axis=-1)  # distance from the colour at the lesion's middle
    rows, columns = np.nonzero((warmth < 60) & (np.abs(drawn - plain).sum(-1) > 0))
    assert abs(rows.mean() - middle[0]) < height / 2
    assert abs(columns.mean() - middle[1]) < width / 2
    assert drawn[middle][0] > 1.5 * drawn[middle][2]  # red, not blue


def test_what_was_not_seen_stays_as_it_is_and_that_is_said() -> None:
    photo = Image.new("RGB", (300, 200), (150, 150, 150))
    found = redness_predictor("crop").photo_map(photo)
    drawn = np.asarray(found.over(photo, opacity=1.0))
    assert (drawn[:, :50] == 150).all()
    assert (drawn[:, 250:] == 150).all()
    assert not (drawn[:, 50:250] == 150).all(axis=-1).any()
    assert found.notes[0].startswith("not shown to point at the lesion")
    assert any("the middle of the photo only" in note for note in found.notes)
    whole = redness_predictor("squash").photo_map(photo)
    assert not any("the middle of the photo only" in note for note in whole.notes)


def test_how_coarse_the_map_is_and_that_it_is_empty_are_said() -> None:
    notes = redness_predictor("squash").photo_map(Image.new("RGB", (300, 200), (40, 150, 150)), target="red").notes
    assert any("the map has 8 x 8 cells" in note for note in notes)
    assert "nothing in the photo raises the score of this class" in notes


def test_the_overlay_has_the_size_of_the_photo_and_is_red_where_the_map_is_high() -> None:
    cam = np.array([[0.0, 1.0]], dtype=np.float32)
    picture = np.asarray(overlay(Image.new("RGB", (40, 20), (128, 128, 128)), cam)).astype(int)
    assert picture.shape == (20, 40, 3)
    left, right = picture[10, 0], picture[10, -1]
    assert right[0] > right[2]
    assert left[2] > left[0]


def test_opacity_mixes_photo_and_map() -> None:
    photo, cam = Image.new("RGB", (8, 8), (10, 20, 30)), np.ones((2, 2), dtype=np.float32)
    assert overlay(photo, cam, opacity=0).getpixel((4, 4)) == (10, 20, 30)
    assert overlay(photo, cam, opacity=1).getpixel((4, 4)) == (122, 4, 2)  # the last colour of "turbo" as published
    assert overlay(photo, cam, opacity=0.5).getpixel((4, 4)) == (66, 12, 16)


def test_overlay_refuses_values_out_of_range() -> None:
    photo = Image.new("RGB", (8, 8))
    with pytest.raises(ValueError, match="opacity=2"):
        overlay(photo, np.ones((2, 2), dtype=np.float32), opacity=2)
    with pytest.raises(ValueError, match=r"cam must lie between 0 and 1, however: 3\.0 to 3\.0"):
        overlay(photo, np.full((2, 2), 3, dtype=np.float32))


def test_the_map_is_laid_over_the_part_that_was_seen() -> None:
    cam = np.ones((1, 1), dtype=np.float32)
    picture = np.asarray(overlay(Image.new("RGB", (8, 4), (9, 9, 9)), cam, seen=(0.25, 0.0, 0.75, 1.0), opacity=1))
    assert (picture[:, 2:6] == (122, 4, 2)).all()
    assert (picture[:, :2] == 9).all()
    assert (picture[:, 6:] == 9).all()
