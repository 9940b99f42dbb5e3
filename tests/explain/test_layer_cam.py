"""LayerCAM: by hand on a stage of one convolution, against captum's gradient × activation, and of a real CNN."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradientXActivation
from explain.small_predictors import small_predictor
from PIL import Image
from torch import Tensor, nn

from mmskin.errors import UserError
from mmskin.explain.layer_cam import layer_cam


def test_by_hand() -> None:
    """One channel is the photo, one its negative; the score weighs each place of the first by its own number."""
    stage = nn.Conv2d(1, 2, 1, bias=False)
    stage.weight.data = torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)
    weights = torch.tensor([[2.0, -3.0], [1.0, 4.0]])
    photo = torch.tensor([[[1.0, -5.0], [2.0, -1.0]]])
    heat = layer_cam(stage, photo, lambda pixels: (stage(pixels)[0, 0] * weights).sum())
    # ReLU(g) ∘ A: 2 · 1, 0 · −5, 1 · 2, 4 · −1
    assert heat == pytest.approx(np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert not stage._forward_hooks


def test_against_captum_where_gradients_are_positive() -> None:
    torch.manual_seed(0)
    stage, head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 1, bias=False)
    head.weight.data.abs_()
    model = nn.Sequential(stage, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    photo = torch.rand(3, 8, 8)
    heat = layer_cam(stage, photo, lambda pixels: model(pixels)[0, 0])
    theirs = LayerGradientXActivation(model, stage).attribute(photo[None]).sum(1)[0].relu().detach().numpy()
    assert heat == pytest.approx(theirs / theirs.max(), abs=1e-6)


def test_a_frozen_cnn_has_a_map_twice_as_fine_and_nothing_is_left_behind() -> None:
    predictor = small_predictor("late", "image", "text")
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    for parameter in predictor.trained.models[0].model.parameters():
        parameter.requires_grad_(False)
    last, finer = (predictor.photo_map(photo, target="MEL", method=name).heat for name in ("grad_cam", "layer_cam"))
    assert finer.shape == tuple(2 * side for side in last.shape)
    assert finer.max() == pytest.approx(1)
    stage = predictor.trained.encoders["image"].finer_stage
    assert stage is not None
    assert not stage._forward_hooks
    assert predictor.photo_map(photo, target="MEL", method="layer_cam").heat == pytest.approx(finer)


def test_a_score_that_does_not_see_the_photo_gives_no_warmth_and_nan_is_refused() -> None:
    stage = nn.Conv2d(1, 1, 1)

    def apart(pixels: Tensor) -> Tensor:
        stage(pixels)
        return pixels.sum() * 0 + torch.ones((), requires_grad=True)

    assert not layer_cam(stage, torch.rand(1, 4, 4), apart).any()
    with pytest.raises(ValueError, match="not finite"):
        layer_cam(stage, torch.full((1, 4, 4), torch.nan), lambda pixels: (stage(pixels) ** 2).sum())


def test_a_transformer_has_no_finer_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = small_predictor("late", "image", "text")
    monkeypatch.setattr(type(predictor.trained.encoders["image"]), "finer_stage", None)
    photo = Image.new("RGB", (64, 64), (200, 150, 130))
    with pytest.raises(UserError, match="layer_cam needs a CNN with a stage before the last"):
        predictor.photo_map(photo, target="MEL", method="layer_cam")
