from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchmark.small_benchmark import run, small_benchmark
from small_experiment import ENCODERS
from tiny_encoders import SCHEMA, write_bert, write_clip_config

from mmskin.config.teaching_options import TeachingOptions
from mmskin.encoders.taught_text import RECORD, field_reader_of, read_record
from mmskin.errors import ConfigError, ModelError
from mmskin.model.classifier import build_encoder, build_model
from mmskin.schema import History
from mmskin.teaching.taught import learner, load_taught, resolved
from mmskin.trained.saved_model import load_model, save_model
from mmskin.trained.trained_model import TrainedModel

SLOT: dict[str, Any] = {"name": "hashing", "dim": 16, "buckets": 256, "trainable": "none", "taught": {"steps": 3}}
NOTE = "30 years. It itches."


def quiet(line: str) -> None:
    """Nothing is said."""


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def slot(features: Path) -> dict[str, Any]:
    return resolved(SLOT, SCHEMA, features, say=quiet)


def read_folder(features: Path) -> Path:
    """The only taught encoder of a features folder."""
    return next((features / "taught").glob("*/taught.json")).parent


def trained(slot: dict[str, Any]) -> TrainedModel:
    encoders, fusion, loss = {"text": slot}, {"name": "text_only"}, {"name": "cross_entropy"}
    model, built = build_model(encoders, fusion, loss, schema=SCHEMA, class_counts=[3, 2])
    record = {"encoders": encoders, "fusion": fusion, "loss": loss, "class_counts": [3, 2]}
    return TrainedModel(model.eval(), built, SCHEMA, temperature=1.0, photo_side=64, record=record)


def test_an_encoder_is_taught_once_for_a_declaration_and_its_options(features: Path, slot: dict[str, Any]) -> None:
    said: list[str] = []
    assert resolved(SLOT, SCHEMA, features, say=said.append) == slot
    assert not said
    assert resolved(slot, SCHEMA, features, say=said.append) == slot  # resolved already
    others = [
        resolved(SLOT | {"taught": {"steps": 4}}, SCHEMA, features, say=said.append),
        resolved(SLOT, SCHEMA.with_fields(["age"]), features, say=said.append),
        resolved(SLOT | {"dim": 8}, SCHEMA, features, say=said.append),
    ]
    assert len({other["taught"]["digest"] for other in (slot, *others)}) == 4
    assert [line for line in said if line.startswith("teaching")].__len__() == 3


def test_teaching_is_the_same_every_time(tmp_path: Path, slot: dict[str, Any]) -> None:
    again = resolved(SLOT, SCHEMA, tmp_path, say=quiet)
    sums = [(Path(one["taught"]["folder"]) / "model.safetensors").read_bytes() for one in (slot, again)]
    assert sums[0] == sums[1]


def test_a_saved_model_needs_no_taught_folder_and_answers_bit_for_bit(tmp_path: Path, features: Path) -> None:
    slot = resolved(SLOT, SCHEMA, tmp_path / "features", say=quiet)
    before = trained(slot)
    case = before.case(History({"age": 30.0, "itch": "yes"}))
    save_model(before, tmp_path / "model")
    shutil.rmtree(tmp_path / "features")
    after = load_model(tmp_path / "model")
    assert np.array_equal(before.of_cases([case]), after.of_cases([case]))
    encoders = [model.model.encoders["text"] for model in (before, after)]
    inputs = {key: tensor[None] for key, tensor in encoders[0].prepare(NOTE).items()}
    readings = [field_reader_of(encoder).read(encoder(inputs)) for encoder in encoders]
    assert readings[0] == readings[1]
    assert list(readings[0][0]) == ["age", "since", "region", "itch"]
    saved = json.loads((tmp_path / "model" / "config.json").read_text())
    assert str(tmp_path) not in json.dumps(saved["encoders"])
    assert saved["encoders"]["text"]["taught"]["digest"] == slot["taught"]["digest"]


def test_a_reader_of_an_encoder_that_is_trained_further_is_refused(slot: dict[str, Any]) -> None:
    learning = build_encoder("text", slot | {"trainable": "all"}, SCHEMA)
    with pytest.raises(ConfigError, match="trained further after it was taught"):
        field_reader_of(learning)
    assert learning.field_reader is not None
    assert not any(parameter.requires_grad for parameter in learning.field_reader.parameters())
    with pytest.raises(ConfigError, match=r"set encoders\.text\.taught"):
        field_reader_of(build_encoder("text", {"name": "hashing"}, SCHEMA))


def test_a_taught_folder_is_named_in_place_of_options(features: Path, slot: dict[str, Any]) -> None:
    folder = slot["taught"]["folder"]
    named = resolved(SLOT | {"taught": folder}, SCHEMA, features, say=quiet)
    encoders = [build_encoder("text", one, SCHEMA) for one in (slot, named)]
    tensors = [encoder.state_dict() for encoder in encoders]
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])
    assert load_taught(Path(folder)).read_notes([NOTE]) == load_taught(Path(folder)).read_notes([NOTE])


@pytest.mark.parametrize("family", ["transformers", "open_clip"])
def test_every_family_of_text_encoders_is_taught_its_last_layers_alone(tmp_path: Path, family: str) -> None:
    if family == "transformers":
        plain: dict[str, Any] = {"name": family, "model": str(write_bert(tmp_path / "bert")), "max_length": 24}
    else:
        plain = {"name": family, "model": str(write_clip_config(tmp_path))}
    untaught = learner(plain, TeachingOptions(layers=1))
    slot = plain | {"trainable": "none", "taught": {"steps": 3, "layers": 1}}
    taught = build_encoder("text", resolved(slot, SCHEMA, tmp_path / "features", say=quiet), SCHEMA)
    assert taught.field_reader is not None
    learned = {name for name, parameter in untaught.named_parameters() if parameter.requires_grad}
    before, after = untaught.state_dict(), taught.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert changed <= learned
    assert not any(parameter.requires_grad for parameter in taught.parameters())
    folder = read_folder(tmp_path / "features")
    shutil.rmtree(tmp_path / "bert", ignore_errors=True)
    assert list(load_taught(folder).read_notes([NOTE])[0]) == list(SCHEMA.field_names)


def test_more_layers_than_an_encoder_has_are_refused(tmp_path: Path) -> None:
    slot = {"name": "transformers", "model": str(write_bert(tmp_path / "bert")), "max_length": 24}
    with pytest.raises(ConfigError, match=r"taught\.layers=9 are to learn: trainable must be .* from 0 to 3"):
        learner(slot, TeachingOptions(layers=9))


def test_a_folder_without_a_taught_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no taught encoder: mmskin teach"):
        read_record(tmp_path)
    (tmp_path / RECORD).write_text("{}")
    with pytest.raises(ModelError, match="is damaged"):
        read_record(tmp_path)


def test_a_run_teaches_before_its_cells_and_knows_the_encoder_by_digest_not_by_place(
    pad_folder: Path, tmp_path: Path
) -> None:
    text = ENCODERS["text"] | {"trainable": "none", "taught": {"steps": 2}}
    arms = {
        "text_only": {"fusion": {"name": "text_only"}},
        "regression": {"table": {"name": "logistic_regression", "on": "text", "c": [0.1]}},
    }
    benchmark = small_benchmark(
        pad_folder,
        tmp_path / "features",
        encoders={"text": text},
        arms=arms,
        primary={"arm": "text_only", "reference": "regression"},
        seeds=[0],
        data={"test_folds": [0]},
        missing_parts=None,
    )
    table, failures = run(benchmark, tmp_path / "run")
    assert not failures
    assert set(table["arm"]) == {"text_only", "regression"}
    assert len(list((tmp_path / "features" / "taught").glob("*/taught.json"))) == 1
    depends_on = [path.read_text() for path in (tmp_path / "run").rglob("*.json") if "digest" in path.read_text()]
    assert depends_on
    assert not any(str(tmp_path / "features") in text for text in depends_on)
