"""Every experiment that the project offers: it is valid, its parts can be built, and its recipe trains.

A YAML file under configs is an experiment, the class map that an experiment names, a benchmark, which has arms, or a
study of leaks, which is a benchmark with leaks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from make_milk10k import make_milk10k
from small_experiment import ENCODERS

from mmskin.benchmark.arms import NeuralArm, TableArm
from mmskin.benchmark.benchmark_config import Benchmark, read_benchmark
from mmskin.benchmark.leaks.study_config import read_leak_study
from mmskin.benchmark.resolve import resolve, waves
from mmskin.benchmark.run.cell import run_cell
from mmskin.benchmark.run.grid import Cell
from mmskin.benchmark.run.run import planned, run_experiment
from mmskin.benchmark.search.search import SearchTask, run_search
from mmskin.config.build import build
from mmskin.config.experiment import Experiment, parse_experiment, read_experiment
from mmskin.config.validation import validated
from mmskin.config.yaml_files import read_yaml
from mmskin.data.class_map import read_class_map
from mmskin.data.load import folds_of, load_cases
from mmskin.data.sources import SOURCES
from mmskin.evaluation.predictions import arm_names, read_predictions
from mmskin.features import is_photo
from mmskin.fusion import FUSIONS
from mmskin.model.classifier import build_encoder
from mmskin.schema import Field, Schema

PROJECT = Path(__file__).parents[2]


def class_map_of(path: Path) -> Path | None:
    """The class map that an experiment names, if it joins data sets."""
    source = read_yaml(path).get("data", {}).get("source", {})
    return PROJECT / source["classes"] if source.get("name") == "joined" else None


def is_here(slot: dict[str, Any]) -> bool:
    """Whether an encoder needs no weights of an earlier run, or of a hub."""
    weights = str(slot.get("weights", ""))
    return "/" not in weights and weights != "hub"


def benchmark_of(path: Path) -> Benchmark:
    """A benchmark, or the honest one of a study of leaks."""
    return read_leak_study(path).benchmark() if "leaks" in read_yaml(path) else read_benchmark(path)


def build_if_here(modality: str, slot: dict[str, Any]) -> None:
    plain = {key: value for key, value in slot.items() if key != "taught"}  # a run teaches before it builds
    if is_here(plain):
        build_encoder(modality, plain, SCHEMA)


FILES = sorted((PROJECT / "configs").rglob("*.yaml"))
CLASS_MAPS = sorted({found for path in FILES if (found := class_map_of(path))})
BENCHMARKS = [path for path in FILES if "arms" in read_yaml(path)]
CONFIGS = [path for path in FILES if path not in (*CLASS_MAPS, *BENCHMARKS)]
SCHEMA = Schema(name="tiny", classes=("a", "b"), fields=(Field(name="itch", kind="yes_no"),))
each_benchmark = pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
each_config = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def test_there_are_configs() -> None:
    assert CONFIGS
    assert CLASS_MAPS
    assert BENCHMARKS


@pytest.mark.parametrize("path", CLASS_MAPS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_class_map_that_an_experiment_names_is_valid(path: Path) -> None:
    assert read_class_map(path).labels


@each_config
def test_a_config_is_valid_and_names_parts_that_can_be_built(path: Path) -> None:
    experiment = read_experiment(path)
    assert callable(build("source", SOURCES, experiment.data.source).load)
    for modality, slot in experiment.encoders.items():
        build_if_here(modality, slot)


@each_config
def test_a_config_trains_as_it_is_on_tiny_encoders_and_invented_patients(
    path: Path, pad_folder: Path, milk_folder: Path, tmp_path: Path
) -> None:
    experiment = read_experiment(path)
    has_two_kinds = "clinical" in experiment.encoders
    source, root = ("milk10k", milk_folder) if has_two_kinds else ("pad_ufes_20", pad_folder)
    table = train_tiny(experiment, root, tmp_path, source=source)
    assert table.filter(like="prob_").notna().to_numpy().all()


def train_tiny(experiment: Experiment, root: Path, tmp_path: Path, *, source: str = "pad_ufes_20") -> pd.DataFrame:
    """The predictions after two epochs of an experiment's recipe, on tiny encoders and invented patients."""
    raw = experiment.to_json()
    training: dict[str, Any] = raw["training"] | {"epochs": 2, "batch_size": 6, "workers": 0, "save_model": False}
    training["threads"] = None
    data = {"source": {"name": source}, "root": str(root), "folds": 3, "test_folds": [0]}
    data |= {"missingness": raw["data"]["missingness"], "photo_side": 32}
    encoders = {modality: dict(ENCODERS.get(modality, ENCODERS["image"])) for modality in raw["encoders"]}
    for modality in encoders.keys() - {"text", "metadata"}:
        if raw["encoders"][modality].get("trainable") == "none":
            encoders[modality]["trainable"] = "none"
    changed = {"data": data, "encoders": encoders, "training": training, "features": str(tmp_path / "features")}
    return run_experiment(parse_experiment(raw | changed), tmp_path / "run", say=lambda line: None, progress=False)


@each_benchmark
def test_a_benchmark_names_arms_that_can_be_built(path: Path, tmp_path: Path) -> None:
    benchmark = benchmark_of(path)
    build("source", SOURCES, benchmark.data.source)
    arms = resolve(benchmark, tmp_path)
    assert list(arms) == list(benchmark.arms)
    slots = {m: s for arm in arms.values() if isinstance(arm, NeuralArm) for m, s in arm.encoders.items()}
    for modality, slot in slots.items():
        build_if_here(modality, slot)


def test_one_benchmark_has_every_fusion() -> None:
    arms = read_benchmark(PROJECT / "configs" / "pad_ufes_20" / "benchmark.yaml").arms
    assert {arm.fusion["name"] for arm in arms.values() if arm.fusion} == set(FUSIONS)


@pytest.fixture(scope="module")
def milk_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """66 invented lesions, six of each class, with two kinds of photos, in the layout of MILK10k."""
    folder = tmp_path_factory.mktemp("milk")
    make_milk10k(folder, lesions=66, side=32)
    return folder


@each_benchmark
def test_every_arm_of_a_benchmark_runs_on_tiny_encoders_and_invented_patients(
    path: Path, pad_folder: Path, milk_folder: Path, tmp_path: Path
) -> None:
    raw = benchmark_of(path).to_json()
    raw["training"] |= {"epochs": 1, "batch_size": 6}
    photos = [modality for modality in raw["encoders"] if is_photo(modality)] or ["image"]
    invented = {"pad_ufes_20": pad_folder} if photos == ["image"] else {"milk10k": milk_folder}
    ((source, root),) = invented.items()
    folds = 3 if raw["search"] is None else 6  # a search needs a training part that can be split again
    raw["data"] |= {"source": {"name": source}, "root": str(root), "folds": folds, "photo_side": 32}
    raw["search"] = raw["search"] and raw["search"] | {"trials": 1}
    trained = any("from" in slot for arm in raw["arms"].values() for slot in arm["encoders"].values())
    photo = ENCODERS["image"] | ({} if trained else {"trainable": "none"})
    shared = {"metadata": ENCODERS["metadata"]} if "metadata" in raw["encoders"] else {}
    raw["encoders"] = {**dict.fromkeys(photos, photo), "text": ENCODERS["text"], **shared}
    for arm in raw["arms"].values():
        arm["training"] = {k: v for k, v in arm["training"].items() if k not in ("epochs", "views")}
        arm["encoders"].pop("text", None)  # the tiny one in place of all, which cannot be read frozen
    for reduce in (raw["reduce"], *(arm["reduce"] or {} for arm in raw["arms"].values())):
        reduce.update({modality: options | {"dim": 4} for modality, options in reduce.items()})
    raw |= {"seeds": [0], "features": str(tmp_path / "features"), "missing_parts": None, "explanations": None}
    benchmark = validated(Benchmark, raw, where=str(path))
    cases = load_cases(benchmark.data)
    arms = resolve(benchmark, tmp_path)
    run = planned(benchmark, arms, cases, folds_of(benchmark.data, cases), tmp_path)
    for arm in (arm for wave in waves(arms) for arm in wave):
        if isinstance(arm, TableArm) and "text" in arm.encoders:  # it learns, and has no frozen embeddings
            continue
        cell, fold = Cell(arm.name, 0, 0), run.folds[arm.name, 0]
        if arm.name in run.searches:
            run_search(SearchTask(run.searches[arm.name], fold))
        run_cell(run.task(arm, cell, progress=False))
        table = read_predictions(cell.predictions(tmp_path))
        assert arm_names(table) == (arm.name,)
        assert len(table) == len(fold.split.val) + len(fold.split.test)
