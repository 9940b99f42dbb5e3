"""Arms that read the encoder which another arm has trained on the same fold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from benchmark.small_benchmark import ARMS, planned_run, run, small_benchmark
from safetensors.torch import load_file
from small_experiment import ENCODERS, small_experiment

from mmskin.benchmark.answer import write_answer
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.run.feature_task import feature_tasks
from mmskin.benchmark.run.grid import cell_folder
from mmskin.benchmark.run.local import LocalExecutor
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import parse_experiment
from mmskin.data.patient_digests import patient_digests
from mmskin.errors import ConfigError, DataError
from mmskin.training.checkpoint import AtomicCheckpointIO

READS = {"encoders": {"image": {"from": "image_only"}}}
TUNING = {"epochs": 2, "encoder_learning_rate": 1e-2, "checkpoint": True}
CHANGED: dict[str, Any] = {
    "arms": {
        "image_only": ARMS["image_only"] | {"training": TUNING, "seeds": [0]},
        "late": ARMS["late"] | READS,
        "regression": ARMS["regression"],
    },
    "encoders": {"image": ENCODERS["image"], "text": ENCODERS["text"]},
    "training": {"epochs": 1},
    "missing_parts": None,
}
CHANGED["arms"]["regression"] = {"table": {"name": "logistic_regression", "on": "fields", "c": [0.1]}}


def tuned_benchmark(root: Path, features: Path, **changed: Any) -> Benchmark:
    return small_benchmark(root, features, **CHANGED | changed)


def tensors(output: Path, arm: str, fold: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """Of the image encoder in an arm's saved model."""
    held = load_file(cell_folder(output, arm, fold, seed) / "model" / "model.safetensors")
    return {name: tensor for name, tensor in held.items() if name.startswith("encoders.image.")}


def the_same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def tuned(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of the small benchmark, by two processes, never stopped; braces in its path are no places."""
    output = tmp_path_factory.mktemp("tuned {braces}") / "out"
    arms = CHANGED["arms"] | {"late": CHANGED["arms"]["late"] | {"training": {"save_model": True}}}
    with LocalExecutor(2) as executor:
        small = tuned_benchmark(pad_folder, output.parent / "features", arms=arms)
        _, failures = run(small, output, executor=executor)
    assert not failures
    return output


def test_all_seeds_of_a_fold_read_the_encoder_that_the_source_trained_on_it(tuned: Path) -> None:
    for fold in (0, 1):
        source = tensors(tuned, "image_only", fold)
        for seed in (0, 1):
            assert the_same(tensors(tuned, "late", fold, seed), source)
    assert not the_same(tensors(tuned, "image_only", 0), tensors(tuned, "image_only", 1))
    assert not cell_folder(tuned, "image_only", 0, 1).exists(), "the source was asked for one seed"


def test_it_is_the_encoder_that_a_training_by_itself_would_make(tuned: Path, pad_folder: Path, tmp_path: Path) -> None:
    small = small_experiment(pad_folder, "image", fusion="image_only", threads=1, encoder_learning_rate=1e-2)
    run_experiment(small, tmp_path / "run", say=lambda line: None, progress=False)
    assert the_same(tensors(tmp_path / "run", "small", 0), tensors(tuned, "image_only", 0))


def test_the_arm_that_reads_it_trains_nothing_of_it(tuned: Path, pad_folder: Path, tmp_path: Path) -> None:
    costs = {(cost["arm"], cost["seed"]): cost["parameters"] for cost in json.loads((tuned / "costs.json").read_text())}
    assert costs["late", 0] < costs["image_only", 0] / 10
    # An earlier run's model, named by hand, gives the arm the same bits.
    weights = str(cell_folder(tuned, "image_only", 0, 0) / "model").replace("{", "{{").replace("}", "}}")
    by_hand = {"image": ENCODERS["image"] | {"weights": weights.replace("fold_0", "fold_{fold}"), "trainable": "none"}}
    arms = {"late": ARMS["late"] | {"encoders": by_hand}, "image_only": CHANGED["arms"]["image_only"]}
    table, _ = run(tuned_benchmark(pad_folder, tmp_path / "features", arms=arms), tmp_path / "out")
    first = pd.read_parquet(tuned / "predictions.parquet")
    one, two = (t[t.arm == "late"].reset_index(drop=True) for t in (table, first))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_an_encoder_of_another_fold_is_refused(tuned: Path, pad_folder: Path, tmp_path: Path) -> None:
    weights = str(cell_folder(tuned, "image_only", 0, 0) / "model").replace("{", "{{").replace("}", "}}")
    of_fold_0 = {"image": ENCODERS["image"] | {"weights": weights, "trainable": "none"}}

    def plan(**changed: Any) -> Any:
        arms = {"late": ARMS["late"] | {"encoders": of_fold_0}, "image_only": CHANGED["arms"]["image_only"]} | changed
        return planned_run(tuned_benchmark(pad_folder, tmp_path, arms=arms), tmp_path / "out")

    with pytest.raises(
        DataError, match=r"encoders\.image: .*model was trained on (\d+) of the \d+ patients whom fold 1"
    ):
        plan()
    table = {"table": {"name": "logistic_regression", "on": ["image"], "c": [0.1]}, "encoders": of_fold_0}
    with pytest.raises(DataError, match=r"arms\.regression\.encoders\.image"):
        plan(late=CHANGED["arms"]["late"], regression=table)


def test_who_was_trained_on_is_saved_as_digests_and_handed_on(tuned: Path) -> None:
    folds = pd.read_csv(tuned / "folds.csv")
    config = json.loads((cell_folder(tuned, "late", 0, 1) / "model" / "config.json").read_text())
    ((source, digests),) = config["trained_on"].items()
    predictions = pd.read_parquet(tuned / "predictions.parquet")
    held_out = predictions[(predictions.fold == 0) & (predictions.arm == "late")].patient_id
    assert len(digests) > 1
    assert not set(digests) & set(patient_digests(held_out, source=source))
    others = predictions[predictions.fold == 1].patient_id
    assert set(digests) & set(patient_digests(others, source=source))
    assert len(folds) > len(digests)


def test_features_are_those_of_the_encoder_of_their_fold(tuned: Path, pad_folder: Path) -> None:
    plan = planned_run(tuned_benchmark(pad_folder, tuned.parent / "features"), tuned)
    tasks = feature_tasks([plan.arms["late"]], plan.folds, plan.missing_rates)
    of_photos = [task for task in tasks if task.modality == "image"]
    assert [[read.fold.number for read in task.folds] for task in of_photos] == [[0], [1]]
    assert all(f"fold_{k}/seed_0/model" in task.slot["weights"] for k, task in enumerate(of_photos))


def test_the_bits_are_those_of_one_process_and_of_a_run_that_was_stopped(
    tuned: Path, pad_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark, output = tuned_benchmark(pad_folder, tmp_path / "features"), tmp_path / "out"
    save, saved = AtomicCheckpointIO.save_checkpoint, []

    def save_and_stop(self: AtomicCheckpointIO, checkpoint: dict[str, Any], path: Any, **options: Any) -> None:
        save(self, checkpoint, path, **options)
        saved.append(Path(path).parent.parent.name)
        if saved == ["fold_0", "fold_0", "fold_1"]:  # two epochs of fold 0, one of fold 1
            raise RuntimeError("the power went out")

    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", save_and_stop)
    _, failures = run(benchmark, output)
    reasons = {(failure.arm, failure.fold): failure.reason for failure in failures}
    assert reasons["image_only", 1] == "RuntimeError: the power went out"
    assert reasons["late", 1] == "it reads image_only, which failed"
    assert set(reasons) == {("image_only", 1), ("late", 1)}
    table, failures = run(benchmark, output)
    assert not failures
    assert saved[3:] == ["fold_1"]  # its second epoch alone
    pd.testing.assert_frame_equal(table, pd.read_parquet(tuned / "predictions.parquet"), check_exact=True)


def test_the_report_says_whose_encoder_is_read(tuned: Path) -> None:
    config = json.loads((tuned / "config.json").read_text())
    write_answer(Benchmark.model_validate(config), tuned, [], replicates=100)
    page = (tuned / "report.html").read_text()
    assert "The encoder that image_only trained on the training rows of a fold is read frozen by: late." in page


def test_what_cannot_be_read_is_refused_before_anything_is_trained(pad_folder: Path, tmp_path: Path) -> None:
    def refusal(**lines: Any) -> str:
        with pytest.raises(ConfigError) as error:
            planned_run(tuned_benchmark(pad_folder, tmp_path, arms=CHANGED["arms"] | lines), tmp_path / "out")
        return str(error.value)

    late = ARMS["late"]
    assert "arms.late.encoders.image.from 'image_onli' does not exist. Did you mean" in refusal(
        late=late | {"encoders": {"image": {"from": "image_onli"}}}
    )
    assert "regression trains no encoder of image" in refusal(
        late=late | {"encoders": {"image": {"from": "regression"}}}
    )
    for ensemble in ({"members": 2}, {"snapshots": 2, "epochs": 2}):
        assert "encoders.image.from: image_only is an ensemble of 2 models with an encoder each, and one" in refusal(
            image_only=ARMS["image_only"] | {"training": ensemble}
        )
    assert "encoders.text.from: image_only reads no text" in refusal(
        late=late | {"encoders": {"text": {"from": "image_only"}}}
    )
    both = {"text": {"from": "late"}}
    assert "read each other" in refusal(late=late | READS, image_only=ARMS["late"] | {"encoders": both})
    assert "must be some of [0, 1]" in refusal(late=late | {"seeds": [7]})
    assert "modalities: encoder 'sound' does not exist" in refusal(late=late | {"modalities": ["sound"]})
    assert np.isfinite(parse_experiment(small_experiment(pad_folder).to_json()).training.learning_rate)
