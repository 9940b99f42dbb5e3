from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmskin.config.experiment import DataConfig, Experiment, parse_experiment, read_data, read_experiment
from mmskin.errors import ConfigError

TEXT = """
name: try
data:
  source: {name: csv}
  root: somewhere
encoders:
  text: {name: hashing}
fusion: {name: text_only}
training:
  learning_rate: 1e-3
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "experiment.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def raw(**changes: Any) -> dict[str, Any]:
    return {
        "name": "try",
        "data": {"source": {"name": "csv"}, "root": "somewhere"},
        "encoders": {"text": {"name": "hashing"}},
        "fusion": {"name": "text_only"},
    } | changes


def test_a_file_becomes_an_experiment_and_goes_through_json(tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path, TEXT))
    assert experiment.training.learning_rate == 0.001
    assert experiment.data.folds == 5
    assert Experiment.model_validate(experiment.to_json()) == experiment


def test_overrides_are_written_as_in_yaml(tmp_path: Path) -> None:
    overrides = ["training.epochs=5", "data.test_folds=[0, 2]", "seed=3", "encoders.text.dim=16", "name=no"]
    experiment = read_experiment(written(tmp_path, TEXT), overrides)
    assert (experiment.training.epochs, experiment.data.test_folds) == (5, [0, 2])
    assert (experiment.seed, experiment.name) == (3, "no")
    assert experiment.encoders["text"] == {"name": "hashing", "dim": 16}


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("training.epochs", "an override is written key=value"),
        ("name.first=x", "name holds a single value and has no first"),
        ("seed={", "the value is not valid YAML"),
        ("training.epoch=5", r"training\.epoch does not exist \(did you mean training\.epochs\?\)"),
    ],
)
def test_a_wrong_override_is_refused(tmp_path: Path, override: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_experiment(written(tmp_path, TEXT), [override])


def test_all_faults_are_told_at_once_with_dotted_paths() -> None:
    wrong = raw(
        data={"source": {"name": "csv"}, "rot": "somewhere"},
        training={"epochs": 0, "learning_rate": "fast", "precision": "fp16"},
        sede=1,
    )
    with pytest.raises(ConfigError) as caught:
        parse_experiment(wrong, where="try.yaml")
    told = str(caught.value)
    assert told.startswith("try.yaml: ")
    for fault in (
        "data.root is missing",
        "data.rot does not exist (did you mean data.root?)",
        "training.epochs: Input should be greater than or equal to 1, however: 0",
        "training.learning_rate: ",
        "training.precision: ",
        "sede does not exist (did you mean seed?)",
    ):
        assert fault in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"encoders": {}}, "encoders: name one encoder at least"),
        ({"fusion": {"dropout": 0.1}}, "fusion needs a name"),
        ({"reduce": {"text": {"methd": "pca"}}}, r"reduce\.text\.methd does not exist \(did you mean .*method"),
        ({"reduce": {"dim": 1}}, r"reduce\.all\.dim: .*greater than or equal to 2"),
        ({"reduce": {"image": {"dim": 4}}}, r"reduce\.image: there is no encoder of image; leave it out"),
        ({"experts": {"gate": "each"}}, r"experts\.gate: .*'all' or 'class', however: 'each'"),
        ({"photo_pooling": "max"}, "photo_pooling: .*'mean' or 'attention', however: 'max'"),
        ({"encoders": {"text": {"dim": 3}}}, r"encoders\.text needs a name"),
        ({"encoders": {"side view": {"name": "x"}}}, r"encoders\.side view.*should match pattern"),
        ({"training": {"learning_rate": float("nan")}}, r"training\.learning_rate: .*finite"),
        ({"training": {"batch_size": 1}}, r"training\.batch_size: .*greater than or equal to 2"),
        ({"training": {"augment": {}}}, "augment varies the views after the first, .* set views to 2 or more"),
        ({"training": {"field_dropout": 0.1}}, "field_dropout varies the views after the first"),
    ],
)
def test_an_experiment_that_cannot_be_meant_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_experiment(raw(**changes))


def data_of(tmp_path: Path, text: str, *overrides: str) -> DataConfig:
    return read_data(written(tmp_path, text), overrides, beside=(Experiment,))


def test_a_data_section_is_read_alone_or_out_of_a_whole_file(tmp_path: Path) -> None:
    alone = data_of(tmp_path, "data: {source: {name: csv}, root: somewhere}", "data.folds=3")
    assert (alone.root, alone.folds) == ("somewhere", 3)
    assert data_of(tmp_path, TEXT).root == "somewhere"
    assert data_of(tmp_path, TEXT.replace("{name: text_only}", "3")).root == "somewhere"  # what is beside is not read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x", "data is missing"),
        (
            "data: {source: {name: csv}, rot: x}",
            r"data\.root is missing; data\.rot does not exist \(did you mean data\.root",
        ),
        ("data: {source: {name: csv}, root: x}\nfusoin: 3", r"fusoin does not exist \(did you mean fusion\?\)"),
    ],
)
def test_faults_of_a_data_section_are_told_with_their_paths(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        data_of(tmp_path, text)


def test_a_benchmark_is_told_from_an_experiment(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a benchmark, for it has arms: mmskin benchmark .*experiment\.yaml"):
        read_experiment(written(tmp_path, TEXT + "arms: {}\n"))


def test_what_is_missing_stays_visible_only_where_that_is_asked_for_by_name() -> None:
    assert DataConfig(source={"name": "csv"}, root=".").missingness == "always_recorded"
