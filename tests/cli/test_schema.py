"""`mmskin schema`: the schema is one, explains every key, and every config of the project fits it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmskin.cli.catalogue import describe_one
from mmskin.cli.config_schema import CONFIGS, config_schema
from mmskin.cli.schema import schema
from mmskin.config.experiment import TrainingConfig
from mmskin.config.optimisers import OPTIMIZERS
from mmskin.config.schedules import SCHEDULES
from mmskin.config.yaml_files import read_yaml
from mmskin.encoders import TEXT_ENCODERS
from mmskin.errors import ConfigError
from mmskin.fusion import FUSIONS

jsonschema = pytest.importorskip("jsonschema")
FILES = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))


def kind_of(raw: dict[str, Any]) -> str | None:
    if "leaks" in raw:
        return "leak_study"
    return "benchmark" if "arms" in raw else "experiment" if "data" in raw else None  # None: a map of classes


def faults(of: str, raw: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(config_schema(of)).iter_errors(raw)]


def properties(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict):
        for key, of in part.get("properties", {}).items():
            yield f"{path}.{key}", of
        for key, of in part.items():
            if key != "default":
                yield from properties(of, f"{path}.{key}")
    elif isinstance(part, list):
        for place, of in enumerate(part):
            yield from properties(of, f"{path}[{place}]")


@pytest.mark.parametrize("name", CONFIGS)
def test_it_is_a_json_schema_that_explains_every_key(name: str) -> None:
    made = config_schema(name)
    jsonschema.Draft202012Validator.check_schema(made)
    found = dict(properties(made))
    assert len(found) > 20
    assert [path for path, of in found.items() if not of.get("description")] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_config_of_the_project_fits(path: Path) -> None:
    raw = read_yaml(path)
    kind = kind_of(raw)
    if kind is not None:
        assert faults(kind, raw) == []
        assert "text" not in raw.get("encoders", {}) or faults("teach", raw) == []


EXPERIMENT: dict[str, Any] = {
    "name": "try",
    "data": {"source": {"name": "csv", "target": "dx"}, "root": "."},
    "encoders": {"image": {"name": "timm"}, "text": {"name": "hashing", "dim": 4}},
    "fusion": {"name": "late"},
}


@pytest.mark.parametrize(
    "training",
    [
        {"optimizer": "sgd", "schedule": "linear", "augment": "light"},
        {"optimizer": {"name": "sgd", "momentum": 0.8}, "schedule": {"name": "step", "every": 3}, "augment": {}},
        {"accelerator": "cuda", "accumulate": 4, "augment": None},
    ],
)
def test_what_a_config_may_say_shortly_fits_too(training: dict[str, Any]) -> None:
    assert faults("experiment", {**EXPERIMENT, "training": training}) == []
    for reduce in (None, {"dim": 8}, {"image": {"dim": 8}}):
        assert faults("experiment", {**EXPERIMENT, "reduce": reduce}) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"training": {"epoch": 3}},
        {"training": {"optimizer": "sdg"}},
        {"training": {"optimizer": {"name": "sgd", "betas": [0.9, 0.9]}}},
        {"training": {"schedule": {"name": "linear", "every": 3}}},
        {"training": {"augment": "weak"}},
        {"fusion": {"dropout": 0.1}},
        {"data": {"source": {"name": "csv"}}},
    ],
)
def test_what_a_config_may_not_say_does_not_fit(wrong: dict[str, Any]) -> None:
    assert faults("experiment", EXPERIMENT | wrong)


def test_open_slots_list_the_names_there_are_and_take_others() -> None:
    made = config_schema("experiment")
    assert made["properties"]["fusion"]["properties"]["name"]["anyOf"] == [{"enum": [*FUSIONS]}, {"type": "string"}]
    text = made["properties"]["encoders"]["properties"]["text"]["properties"]["name"]
    assert text["anyOf"][0]["enum"] == [*TEXT_ENCODERS]
    assert faults("experiment", EXPERIMENT | {"fusion": {"name": "of_a_plugin", "width": 3}}) == []
    arm = config_schema("benchmark")["$defs"]["Arm"]["properties"]
    assert arm["table"]["anyOf"][0]["properties"]["name"]["anyOf"][0]["enum"][0] == "majority"
    assert arm["encoders"]["additionalProperties"]["properties"]["from"]


def test_it_is_printed_for_experiments_unless_another_config_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    schema()
    assert json.loads(capsys.readouterr().out) == config_schema("experiment")
    schema("leak_study")
    assert json.loads(capsys.readouterr().out)["properties"]["leaks"]["items"]["enum"][0] == "split_by_photo"
    with pytest.raises(ConfigError, match=r"config 'benchmrk' does not exist\. Did you mean 'benchmark'"):
        schema("benchmrk")


def test_every_key_of_the_recipe_is_explained_with_its_choices() -> None:
    shown = describe_one("training")
    assert [name for name, field in TrainingConfig.model_fields.items() if not field.description] == []
    assert 'accelerator = "auto"   (of auto, cpu, cuda, mps)\n    On what models are trained' in shown
    for key, names in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        explained = TrainingConfig.model_fields[key].description or ""
        assert [name for name in names if name not in explained] == []
