from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_encoders import photo as some_photo
from tiny_encoders import write_clip_config
from torch import Tensor, nn

from mmskin.errors import UserError
from mmskin.explain.fixed_history import FixedHistory, hold_presented
from mmskin.explain.fixed_history import hold_history as hold_case
from mmskin.explain.gradcam import grad_cam
from mmskin.explain.photo_map import METHODS, additive_note, heat_of
from mmskin.features import Features
from mmskin.inputs.batch import Batch, Case, collate
from mmskin.inputs.note import render_note
from mmskin.losses.cross_entropy import CrossEntropyLoss
from mmskin.model.classifier import MultimodalClassifier, build_model
from mmskin.schema import Field, History, Schema
from mmskin.trained.presented_case import present
from mmskin.trained.trained_model import TrainedModel

SCHEMA = Schema(
    name="tiny",
    classes=("NEV", "MEL", "BCC"),
    fields=(Field(name="itch", kind="yes_no"), Field(name="bled", kind="yes_no")),
)
CNN = {"name": "timm", "model": "test_resnet", "image_size": 64}
VIT = {"name": "timm", "model": "test_vit", "image_size": 64}
HISTORIES = (History({"itch": "yes"}, "it scabs"), History({"itch": "no", "bled": "yes"}, "since my youth"))


def make_model(image: dict[str, Any], fusion: str = "cross_attention", *, seed: int = 0) -> MultimodalClassifier:
    slots = {"image": image, "text": {"name": "hashing", "dim": 16, "buckets": 256}}
    fusion_slot: dict[str, Any] = {"name": fusion} | ({"hidden_dim": 16} if fusion == "cross_attention" else {})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model, _ = build_model(slots, fusion_slot, {"name": "cross_entropy"}, schema=SCHEMA, class_counts=[6, 3, 1])
    return model.eval()


def batch_of(model: MultimodalClassifier, *cases: tuple[Tensor, History]) -> Batch:
    prepare = {modality: encoder.prepare for modality, encoder in model.encoders.items()}
    return collate(
        [
            Case({"image": [prepare["image"](p)], "text": [prepare["text"](render_note(h, SCHEMA))]}, -1, str(i))
            for i, (p, h) in enumerate(cases)
        ]
    )


def hold_history(model: MultimodalClassifier, batch: Batch, *, case: int = 0) -> FixedHistory:
    rows, inputs = torch.nonzero(batch.case_index["image"] == case)[:, 0], batch.inputs["image"]
    assert not isinstance(inputs, Features)
    return hold_case(model, batch, kind="image", pixels=inputs["pixels"][int(rows[0])], case=case)


def raw_gradient(held: FixedHistory, code: int, *, of_probability: bool = False) -> Tensor:
    tokens = held.tokens[None].clone().requires_grad_(True)
    logits = held.logits_of_tokens(tokens)
    value = logits.log_softmax(dim=-1)[0, code] if of_probability else logits[0, code]
    return torch.autograd.grad(value, tokens)[0]


@pytest.fixture(scope="module", params=["cnn", "vit", "open_clip"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MultimodalClassifier:
    clip: Path = write_clip_config(tmp_path_factory.mktemp("clip"))
    return make_model({"cnn": CNN, "vit": VIT, "open_clip": {"name": "open_clip", "model": str(clip)}}[request.param])


def test_with_the_photos_own_tokens_and_pixels_the_answer_is_the_models_own(model: MultimodalClassifier) -> None:
    batch = batch_of(model, (some_photo(1), HISTORIES[0]))
    held = hold_history(model, batch)
    with torch.no_grad():
        expected = model(batch).logits
        assert torch.equal(held.logits_of_tokens(held.tokens[None]), expected)
        assert torch.equal(held.logits_of_pixels(held.pixels[None]), expected)
        both = held.logits_of_tokens(held.tokens.expand(2, -1, -1))
    torch.testing.assert_close(both, expected.expand(2, -1), rtol=1e-4, atol=1e-5)
    assert held.grid[0] * held.grid[1] == len(held.tokens)


def is_refused(model: MultimodalClassifier, method: str) -> bool:
    """Whether a map was refused, as LayerCAM is of an encoder without a finer stage."""
    if method != "layer_cam" or model.encoders["image"].finer_stage is not None:
        return False
    with pytest.raises(UserError, match="layer_cam needs a CNN"):
        heat_of(hold_history(model, batch_of(model, (some_photo(1), HISTORIES[0]))), 1, method=method)
    return True


@pytest.mark.parametrize("method", METHODS)
def test_what_else_is_in_the_batch_does_not_change_a_map(model: MultimodalClassifier, method: str) -> None:
    if is_refused(model, method):
        return
    cases = [(some_photo(1), HISTORIES[0]), (some_photo(2), HISTORIES[1]), (some_photo(3), HISTORIES[0])]
    alone = heat_of(hold_history(model, batch_of(model, cases[1])), 1, method=method)
    among = heat_of(hold_history(model, batch_of(model, *cases), case=1), 1, method=method)
    assert alone.any()
    # Not bit by bit: matrix products of other sizes add up in another order.
    assert among == pytest.approx(alone, abs=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_after_an_explanation_the_model_predicts_bit_for_bit_as_before(
    model: MultimodalClassifier, method: str
) -> None:
    if is_refused(model, method):
        return
    batch = batch_of(model, (some_photo(1), HISTORIES[0]))
    with torch.no_grad():
        before = model(batch).logits
    heat_of(hold_history(model, batch), 1, method=method)
    with torch.no_grad():
        assert torch.equal(model(batch).logits, before)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert not any(module._backward_hooks or module._backward_pre_hooks for module in model.modules())


def test_no_hook_is_left_where_the_model_fails() -> None:
    model = make_model(VIT)
    held = hold_history(model, batch_of(model, (some_photo(1), HISTORIES[0])))
    with pytest.raises(RuntimeError):
        held.logits_of_tokens(held.tokens[None, :, :3])
    assert not any(module._forward_pre_hooks for module in model.modules())


LAYERS = {
    "test_resnet": "layer4",  # pooled is the mean of the map
    "tf_efficientnet_lite0": "bn2",
    "convnext_atto": "stages",  # a norm after the mean
    "mobilenetv3_small_050": "blocks",  # a head after the mean, and on each cell
}


@pytest.mark.parametrize("fusion", ["concat", "cross_attention"])
@pytest.mark.parametrize("name", LAYERS)
def test_grad_cam_of_a_cnn_is_that_of_captum(name: str, fusion: str) -> None:
    from captum.attr import LayerGradCam

    model = make_model({"name": "timm", "model": name, "image_size": 96}, fusion)
    held = hold_history(model, batch_of(model, (some_photo(4), HISTORIES[1])))
    layer = model.encoders["image"].get_submodule(f"model.{LAYERS[name]}")
    for code in range(3):
        cam = LayerGradCam(held.logits_of_pixels, layer).attribute(held.pixels[None], code, relu_attributions=True)
        expected = cam[0, 0].detach().numpy()
        assert expected.shape == held.grid == (3, 3)
        assert heat_of(held, code) == pytest.approx(expected / max(expected.max(), 1e-12), abs=1e-4)


def test_grad_cam_of_a_transformer_is_made_of_captums_gradient_at_its_last_block() -> None:
    from captum.attr import LayerActivation, LayerGradientXActivation

    model = make_model(VIT, "concat")
    held = hold_history(model, batch_of(model, (some_photo(4), HISTORIES[1])))
    block, prefix = model.encoders["image"].last_block, model.encoders["image"].prefix_tokens
    gradients = LayerGradientXActivation(held.logits_of_pixels, block, multiply_by_inputs=False)
    given = LayerActivation(held.logits_of_pixels, block).attribute(held.pixels[None], attribute_to_layer_input=True)
    for code in range(3):
        gradient = gradients.attribute(held.pixels[None], code, attribute_to_layer_input=True)
        expected = (given[0, prefix:] @ gradient[0, prefix:].mean(0)).relu().view(held.grid).detach().numpy()
        assert heat_of(held, code) == pytest.approx(expected / max(expected.max(), 1e-12), abs=1e-4)


def test_the_gradient_of_a_patch_is_the_change_of_the_score_when_its_token_grows() -> None:
    # By finite differences, through the last block of a real transformer, in double precision.
    model = make_model(VIT, "concat").double()
    batch = batch_of(model, (some_photo(1), HISTORIES[0]))
    batch.inputs["image"]["pixels"] = batch.inputs["image"]["pixels"].double()
    held = hold_history(model, batch)
    products = (held.tokens * raw_gradient(held, 1)[0]).sum(-1)
    for patch in (0, 5, 15):
        grown = held.tokens[None].repeat(2, 1, 1)
        grown[0, patch] *= 1 + 1e-4
        grown[1, patch] *= 1 - 1e-4
        with torch.no_grad():
            up, down = held.logits_of_tokens(grown)[:, 1]
        assert float((up - down) / 2e-4) == pytest.approx(float(products[patch]), rel=1e-3)


def test_a_transformer_gives_its_patches_without_class_and_register_tokens() -> None:
    model = make_model(VIT | {"model": "vit_tiny_patch16_224", "image_size": 32}, "late")
    kept: list[Tensor] = []
    held = hold_history(model, batch_of(model, (some_photo(1), HISTORIES[0])))
    block = model.encoders["image"].last_block
    assert block is not None
    handle = block.register_forward_pre_hook(lambda module, inputs: kept.append(inputs[0]))
    held.logits_of_pixels(held.pixels[None])
    handle.remove()
    assert kept[0].shape[1] == 1 + 4  # the class token, then 2 × 2 patches
    assert torch.equal(held.tokens, kept[0][0, 1:])


def test_a_map_of_a_cnn_costs_one_pass_through_the_encoder() -> None:
    model = make_model(CNN, "late")
    passes: list[nn.Module] = []
    stem = model.encoders["image"].get_submodule("model.conv1")
    handle = stem.register_forward_hook(lambda module, inputs, output: passes.append(module))
    heat_of(hold_history(model, batch_of(model, (some_photo(1), HISTORIES[0]))), 1)
    handle.remove()
    assert len(passes) == 1


@pytest.mark.parametrize("image", [CNN, VIT])
def test_of_a_late_fusion_the_history_is_not_in_the_map_of_a_logit(image: dict[str, Any]) -> None:
    model = make_model(image, "late")
    one, other = (hold_history(model, batch_of(model, (some_photo(1), history))) for history in HISTORIES)
    with torch.no_grad():
        assert not torch.equal(one.logits_of_pixels(one.pixels[None]), other.logits_of_pixels(other.pixels[None]))
    gradient = raw_gradient(one, 1)
    assert gradient.abs().max() > 0
    torch.testing.assert_close(raw_gradient(other, 1), gradient)
    # The weight of the photo only rescales it: by the factor itself.
    with torch.no_grad():
        model.fusion.experts.weights["image"].fill_(0.25)  # type: ignore[union-attr,operator]
    torch.testing.assert_close(raw_gradient(other, 1), 0.25 * gradient)
    for method in ("grad_cam", "grad_cam_plus_plus", "gradient_x_activation"):
        assert heat_of(one, 1, method=method) == pytest.approx(heat_of(other, 1, method=method), abs=1e-5)
    # Of a probability it would be another map, for the other classes come in by their probabilities.
    assert not torch.allclose(
        raw_gradient(one, 1, of_probability=True), raw_gradient(other, 1, of_probability=True), rtol=1e-3
    )


def test_of_a_token_fusion_the_history_is_in_the_map_and_only_additive_fusions_are_said_to_be() -> None:
    model = make_model(CNN)
    one, other = (hold_history(model, batch_of(model, (some_photo(1), history))) for history in HISTORIES)
    assert not torch.allclose(raw_gradient(one, 1), raw_gradient(other, 1), rtol=1e-3)
    assert additive_note(model.fusion) is None
    for name in ("late", "concat"):
        note = additive_note(make_model(CNN, name).fusion)
        assert note is not None
        assert "another history changes how much the photo counts" in note


def test_the_history_is_held_fixed_while_the_photo_changes() -> None:
    model = make_model(CNN, "film")
    held = hold_history(model, batch_of(model, (some_photo(1), HISTORIES[0])))
    other = batch_of(model, (some_photo(2), HISTORIES[0]))
    with torch.no_grad():
        torch.testing.assert_close(held.logits_of_pixels(other.inputs["image"]["pixels"]), model(other).logits)


def test_a_case_without_a_photo_or_with_two_is_refused() -> None:
    model = make_model(CNN, "late")
    trained = TrainedModel(model, CrossEntropyLoss([6, 3, 1]), SCHEMA, temperature=1.0, photo_side=64)
    for count in (0, 2):
        photos = [Image.fromarray(some_photo(i).permute(1, 2, 0).numpy()) for i in range(count)]
        with pytest.raises(UserError, match=f"one photo at a time, however: this case has {count}"):
            hold_presented(present(trained, photos))
    held = hold_history(model, batch_of(model, (some_photo(1), HISTORIES[0])))
    with pytest.raises(UserError, match="heat map 'gradcam' does not exist"):
        heat_of(held, 0, method="gradcam")


def test_with_another_photo_it_is_the_other_photos_case(model: MultimodalClassifier) -> None:
    one, other = (hold_history(model, batch_of(model, (some_photo(i), HISTORIES[0]))) for i in (1, 2))
    moved = one.at(other.pixels)
    torch.testing.assert_close(moved.tokens, other.tokens)
    assert heat_of(moved, 1) == pytest.approx(heat_of(other, 1), abs=1e-5)
    assert not np.allclose(heat_of(one, 1), heat_of(other, 1), atol=1e-3)


def test_masks_let_the_photo_through_where_they_are_one() -> None:
    model = make_model(CNN, "late")
    held = hold_history(model, batch_of(model, (some_photo(1), HISTORIES[0])))
    seen = held.seen_through(torch.stack([torch.ones(2, 2), torch.zeros(2, 2)]))
    assert torch.equal(seen[0], held.pixels)
    assert not seen[1].any()


def test_grad_cam_takes_the_tokens_of_a_held_case() -> None:
    model = make_model(CNN, "late")
    held = hold_history(model, batch_of(model, (some_photo(1), HISTORIES[0])))
    direct = grad_cam(held.tokens, held.grid, lambda tokens: held.logits_of_tokens(tokens)[0, 2])
    assert np.array_equal(direct, heat_of(held, 2))
