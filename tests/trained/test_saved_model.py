from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_experiment import small_experiment
from tiny_encoders import write_bert

from mmskin.api.predictor import Predictor
from mmskin.data.load import load_cases
from mmskin.errors import ModelError
from mmskin.model.classifier import build_model
from mmskin.schema import Field, Schema
from mmskin.trained.saved_model import load_model, save_model
from mmskin.trained.trained_model import TrainedModel

SCHEMA = Schema(name="tiny", classes=("a", "b"), fields=(Field(name="age", kind="numeric", low=0, high=120),))
TEXT = {"name": "hashing", "dim": 8, "buckets": 32}
LOSS = {"name": "cross_entropy"}


def trained(encoders: dict[str, dict[str, Any]] | None = None, fusion: str = "text_only") -> TrainedModel:
    encoders = encoders or {"text": TEXT}
    model, loss = build_model(encoders, {"name": fusion}, LOSS, schema=SCHEMA, class_counts=[3, 2])
    config = {"encoders": encoders, "fusion": {"name": fusion}, "loss": LOSS, "class_counts": [3, 2]}
    return TrainedModel(model.eval(), loss, SCHEMA, temperature=1.5, photo_side=64, record=config)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(trained(), tmp_path / "model")
    return tmp_path / "model"


def sign(folder: Path) -> None:
    """Make the manifest true again after a change, as a forger would."""
    manifest = folder / "manifest.json"
    names = json.loads(manifest.read_text())
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    manifest.write_text(json.dumps(sums))


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_every_tensor_comes_back_bit_for_bit(tmp_path: Path) -> None:
    encoders = {"text": TEXT, "metadata": {"name": "tokens", "dim": 4}}
    before = trained(encoders, fusion="late")
    before.model.fusion.set_prior(torch.tensor([9.0, 1.0]))
    before.model.encoders["metadata"].load_state_json({"mean": {"age": 33.25}, "scale": {"age": 7.5}})
    save_model(before, tmp_path / "model")
    after = load_model(tmp_path / "model")
    assert after.schema == SCHEMA
    assert not after.model.training
    assert after.temperature == 1.5
    assert after.model.encoders["metadata"].state_json()["mean"] == {"age": 33.25}
    there, back = before.model.state_dict(), after.model.state_dict()
    assert list(there) == list(back)
    assert all(torch.equal(there[name], back[name]) for name in there)


def test_a_loaded_model_predicts_what_the_run_predicted_bit_for_bit(trained_run: Path, pad_folder: Path) -> None:
    run = pd.read_parquet(trained_run / "predictions.parquet")
    run = run[run["split"] == "test"].reset_index(drop=True)
    cases = load_cases(small_experiment(pad_folder).data).table.set_index("case_id", drop=False)
    table = cases.loc[list(run.case_id)].reset_index(drop=True)
    answers = Predictor.load(trained_run).predict_table(table)
    for column in run.filter(like="prob_"):
        assert np.array_equal(answers[column], run[column])


def test_a_network_that_learned_channels_last_is_so_when_it_is_loaded(tmp_path: Path) -> None:
    """The same tensors in another order in memory sum up to other last digits."""
    slot = {"image": {"name": "timm", "model": "test_resnet", "image_size": 32}}
    for name, memory in (("last", torch.channels_last), ("first", torch.contiguous_format)):
        before = trained(slot, fusion="image_only")
        before.model.encoders["image"].to(memory_format=memory)
        save_model(before, tmp_path / name)
        kernels = [p for p in load_model(tmp_path / name).models[0].model.parameters() if p.ndim == 4]
        assert all(kernel.is_contiguous(memory_format=memory) for kernel in kernels)


def test_a_model_saved_before_there_was_a_choice_of_pooling_takes_the_mean(tmp_path: Path) -> None:
    encoders = {"image": {"name": "timm", "model": "test_efficientnet", "image_size": 32}}
    save_model(trained(encoders, fusion="image_only"), tmp_path / "model")
    assert "photo_pooling" not in json.loads((tmp_path / "model" / "config.json").read_text())
    assert load_model(tmp_path / "model").model.photo_pooling is None
    change(tmp_path / "model" / "config.json", photo_pooling="attention")
    sign(tmp_path / "model")
    with pytest.raises(ModelError, match=r"(?s)does not fit this mmskin .*photo_pooling\.content\.weight"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "schema.json", "state.json"])
def test_one_flipped_bit_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"is damaged: {name} differ from their SHA-256"):
        load_model(folder)


def test_a_missing_file_is_refused_even_if_the_manifest_does_not_name_it(folder: Path) -> None:
    (folder / "state.json").unlink()
    with pytest.raises(ModelError, match=r"lacks state\.json: copy the whole folder again"):
        load_model(folder)
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(ModelError, match=r"lacks state\.json"):
        load_model(folder)


def test_a_file_without_a_sum_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(ModelError, match=r"is damaged: config\.json, model\.safetensors"):
        load_model(folder)


@pytest.mark.parametrize("content", ["", "not JSON", "[1]", "3"])
def test_a_damaged_manifest_is_refused(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    with pytest.raises(ModelError, match=r"manifest\.json is damaged"):
        load_model(folder)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no mmskin model, without manifest\.json"):
        load_model(tmp_path / "nothing")


def test_a_newer_format_is_refused_with_what_to_do(folder: Path) -> None:
    change(folder / "config.json", format=4, mmskin="9.0")
    sign(folder)
    with pytest.raises(ModelError, match=r"format 4 of mmskin 9\.0; .* reads formats up to 3: update mmskin"):
        load_model(folder)


def test_an_older_format_that_does_not_fit_is_refused_with_what_to_do(folder: Path) -> None:
    change(folder / "config.json", format=1, encoders={"text": TEXT | {"dim": 9}})
    sign(folder)
    with pytest.raises(ModelError, match=r"has format 1, and this mmskin reads format 3: train it again"):
        load_model(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"fusion": {"name": "late", "wings": 2}},
        {"photo_pooling": "max"},
        {"encoders": {"text": TEXT | {"dim": 9}}},
        {"encoders": {"text": {"name": "os.system"}}},
    ],
)
def test_a_config_that_does_not_fit_its_tensors_or_this_mmskin_is_refused(
    folder: Path, changes: dict[str, Any]
) -> None:
    change(folder / "config.json", **changes)
    sign(folder)
    with pytest.raises(ModelError, match="does not fit this mmskin"):
        load_model(folder)


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was loaded",))


def test_a_pickle_under_the_name_of_the_tensors_is_refused_and_never_run(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    sign(folder)
    with pytest.raises(ModelError, match="does not fit this mmskin"):
        load_model(folder)


def test_a_model_is_never_written_over_another(folder: Path) -> None:
    with pytest.raises(ModelError, match="a model is never written over another"):
        save_model(trained(), folder)


def test_a_model_with_a_transformer_needs_neither_the_folder_it_came_from_nor_a_network(tmp_path: Path) -> None:
    bert = write_bert(tmp_path / "bert")
    encoders = {"text": {"name": "transformers", "model": str(bert), "max_length": 24, "pooling": "cls"}}
    before = trained(encoders)
    save_model(before, tmp_path / "model")
    shutil.rmtree(bert)
    shutil.move(tmp_path / "model", tmp_path / "elsewhere")
    after = load_model(tmp_path / "elsewhere")
    assert after.record["encoders"]["text"]["weights"] == "none"
    told = {"text": "It itches, it has grown."}
    here, there = (Predictor(one).predict(**told) for one in (before, after))  # type: ignore[arg-type]
    assert here.probabilities == there.probabilities
