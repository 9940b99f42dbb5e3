from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from tiny_encoders import CLIP_CONFIG, encode, photo, refuse_network, write_clip_config

from mmskin.encoders.open_clip_image import OpenClipImageEncoder
from mmskin.encoders.open_clip_text import OpenClipTextEncoder
from mmskin.errors import ConfigError, ModelError

NOTES = ["it itches!", "no itch", ""]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_clip_config(tmp_path_factory.mktemp("clip")))


@pytest.fixture(scope="module", params=[open_clip.CLIP, open_clip.CustomTextCLIP], ids=["clip", "custom_text"])
def reference(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """open_clip's own model, random, and its checkpoint: the two classes name the text tower differently."""
    torch.manual_seed(0)
    model = request.param(**CLIP_CONFIG).eval()
    path = tmp_path_factory.mktemp("checkpoint") / "clip.pt"
    torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, path)
    return model, str(path)


@torch.inference_mode()
def test_pooled_is_open_clip_s_image_embedding(config: str, reference: tuple[Any, str]) -> None:
    model, checkpoint = reference
    encoder = OpenClipImageEncoder(model=config, weights=checkpoint).eval()
    pixels = torch.stack([encoder.prepare(photo(seed))["pixels"] for seed in (0, 1)])
    features = encoder({"pixels": pixels})
    torch.testing.assert_close(features.pooled, model.encode_image(pixels), rtol=1e-5, atol=1e-5)
    assert encoder.loaded is not None
    assert "logit_scale" in encoder.loaded.dropped
    assert not any(name.startswith("visual.") for name in encoder.loaded.dropped)


@torch.inference_mode()
def test_pooled_is_open_clip_s_text_embedding(config: str, reference: tuple[Any, str]) -> None:
    model, checkpoint = reference
    encoder = OpenClipTextEncoder(model=config, weights=checkpoint).eval()
    ids = open_clip.SimpleTokenizer(context_length=12)(NOTES)
    features = encode(encoder, NOTES)
    torch.testing.assert_close(features.pooled, model.encode_text(ids), rtol=1e-5, atol=1e-5)
    assert encoder.loaded is not None
    assert encoder.loaded.matched == len(encoder.tower.state_dict())


@torch.inference_mode()
def test_patches_are_projected_as_the_class_token_is(config: str) -> None:
    encoder = OpenClipImageEncoder(model=config).eval()
    pixels = encoder.prepare(photo(0))["pixels"][None]
    features = encoder({"pixels": pixels})
    tower = encoder.tower
    hidden = tower.ln_post(tower.transformer(tower._embeds(pixels))) @ tower.proj
    torch.testing.assert_close(features.pooled, hidden[:, 0])
    torch.testing.assert_close(features.tokens, hidden[:, 1:])
    assert encoder.grid == (4, 4)


@torch.inference_mode()
def test_the_end_token_of_the_note_is_the_pooled_vector(config: str) -> None:
    encoder = OpenClipTextEncoder(model=config).eval()
    features = encode(encoder, NOTES)
    ends = features.mask.sum(dim=1) - 1
    torch.testing.assert_close(features.tokens[torch.arange(3), ends], features.pooled, rtol=1e-5, atol=1e-5)


def test_the_mask_counts_an_exclamation_mark_though_its_number_is_zero(config: str) -> None:
    prepared = OpenClipTextEncoder(model=config).prepare("itch !~ itch")
    assert prepared["input_ids"][2] == 0
    assert prepared["attention_mask"].tolist() == [1] * 6 + [0] * 6


def test_a_word_is_known_if_it_is_one_piece_of_the_vocabulary(config: str) -> None:
    encoder = OpenClipTextEncoder(model=config)
    assert all(encoder.knows(word) for word in ("bleeding", "Nose"))
    assert not any(encoder.knows(word) for word in ("sangra", "pruritic"))


def test_a_long_note_loses_its_end_and_says_so(config: str) -> None:
    encoder = OpenClipTextEncoder(model=config)
    assert encoder.prepare("no " * 30)["input_ids"].shape == (12,)
    assert encoder.prepare("no " * 30)["attention_mask"].all()
    assert encoder.is_truncated("no " * 11)
    assert not encoder.is_truncated("no " * 10)  # and start and end


def test_pixels_are_normalised_as_clip_was_trained(config: str) -> None:
    prepare = OpenClipImageEncoder(model=config).prepare
    raw = torch.full((3, 32, 32), 255, dtype=torch.uint8)
    wanted = [
        (1 - m) / s
        for m, s in zip(open_clip.constants.OPENAI_DATASET_MEAN, open_clip.constants.OPENAI_DATASET_STD, strict=True)
    ]
    torch.testing.assert_close(prepare(raw)["pixels"][:, 5, 5], torch.tensor(wanted))


@pytest.mark.parametrize("kind", [OpenClipImageEncoder, OpenClipTextEncoder])
@torch.inference_mode()
def test_assets_and_tensors_rebuild_the_encoder_offline(
    kind: Any, config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws: list[Any] = [photo(0)] if kind is OpenClipImageEncoder else NOTES
    refuse_network(monkeypatch)
    first = kind(model=config).eval()
    first.save_assets(tmp_path)
    second = kind(**first.rebuild_options(str(tmp_path))).eval()
    second.load_state_dict(first.state_dict())
    assert torch.equal(encode(second, raws).pooled, encode(first, raws).pooled)
    assert pickle.loads(pickle.dumps(first.prepare)) == second.prepare


@pytest.mark.parametrize("kind", [OpenClipImageEncoder, OpenClipTextEncoder])
def test_a_built_in_name_needs_no_network(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small = open_clip.get_model_config("ViT-B-32")
    small["vision_cfg"] |= {"layers": 1, "width": 64}
    small["text_cfg"] |= {"layers": 1, "width": 64, "vocab_size": 49408}
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: small if name == "ViT-B-32" else None)
    refuse_network(monkeypatch)
    assert kind(model="ViT-B-32").out_dim == 512


def test_the_last_blocks_learn_with_the_projection(config: str) -> None:
    image = OpenClipImageEncoder(model=config, trainable=1)
    learning = {name for name, p in image.named_parameters() if p.requires_grad}
    assert {"tower.proj", "tower.ln_post.weight", "tower.transformer.resblocks.1.ln_1.weight"} <= learning
    assert not any("resblocks.0" in name or "conv1" in name or "embedding" in name for name in learning)
    text = OpenClipTextEncoder(model=config, trainable=1)
    learning = {name for name, p in text.named_parameters() if p.requires_grad}
    assert {"tower.text_projection", "tower.ln_final.weight"} <= learning
    assert not any("resblocks.0" in name or "embedding" in name for name in learning)


def test_a_residual_tower_gives_no_tokens_and_takes_no_number_of_blocks(tmp_path: Path) -> None:
    vision = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16}
    path = tmp_path / "resnet.json"
    path.write_text(json.dumps(CLIP_CONFIG | {"vision_cfg": vision}))
    encoder = OpenClipImageEncoder(model=str(path), trainable="none").train()
    features = encode(encoder, [photo(0)])
    assert features.pooled.shape == (1, 16)
    assert features.tokens is None
    assert encoder.grid is None
    assert not any(module.training for module in encoder.tower.modules())
    with pytest.raises(ConfigError, match='trainable must be "all" or "none", however: 1'):
        OpenClipImageEncoder(model=str(path), trainable=1)


def test_a_saved_mmskin_model_fills_the_encoder(config: str, tmp_path: Path) -> None:
    first = OpenClipImageEncoder(model=config)
    save_file({f"encoders.image.{k}": v for k, v in first.state_dict().items()}, tmp_path / "model.safetensors")
    second = OpenClipImageEncoder(model=config, weights=str(tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_unknown_models_and_foreign_files_are_refused(config: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'ViT-B-33' does not exist\. Did you mean 'ViT-B-32'\? open_clip\.list"):
        OpenClipImageEncoder(model="ViT-B-33")
    (tmp_path / "x.json").write_text('{"embed_dim": 3}')
    with pytest.raises(ModelError, match="is not an open_clip config"):
        OpenClipTextEncoder(model=str(tmp_path / "x.json"))
    with pytest.raises(ModelError, match="is not an open_clip config"):
        OpenClipTextEncoder(model=str(tmp_path))
    save_file({"visual.other": torch.ones(1)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"does not fit VisionTransformer: .* missing .*; 1 not asked for \(other\)"):
        OpenClipImageEncoder(model=config, weights=str(tmp_path / "w.safetensors"))


def test_text_towers_of_the_hub_are_refused() -> None:
    with pytest.raises(ConfigError, match=r'hf_model_name.*use the encoder "transformers"'):
        OpenClipTextEncoder(model="roberta-ViT-B-32")


def test_mean_and_std_want_three_numbers(config: str) -> None:
    with pytest.raises(ConfigError, match="three numbers each"):
        OpenClipImageEncoder(model=config, mean=[0.5])


def test_pixels_are_normalised_as_the_models_own_file_says_and_so_after_saving(config: str, tmp_path: Path) -> None:
    content = json.loads(Path(config).read_text())
    own = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.1], "resize_mode": "shortest"}
    folder = tmp_path / "clip"
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": content.get("model_cfg", content), "preprocess_cfg": own})
    )
    encoder = OpenClipImageEncoder(model=str(folder))
    encoder.save_assets(tmp_path / "assets")
    for model in (encoder, OpenClipImageEncoder(model=str(tmp_path / "assets"))):
        assert (model.prepare.mean, model.prepare.std) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.1))
        assert model.prepare.resize == "crop"
    asked = OpenClipImageEncoder(model=str(folder), mean=(0, 0, 0), resize="squash")
    assert (asked.prepare.mean, asked.prepare.std, asked.prepare.resize) == ((0, 0, 0), (0.2, 0.2, 0.1), "squash")
