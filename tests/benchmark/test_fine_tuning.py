"""Encoders fine-tuned in the run: once a fold, as `mmskin train` would, and the same for whoever reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from benchmark.small_benchmark import ARMS, FROZEN, ThisProcess, run, small_benchmark
from safetensors.torch import load_file
from small_experiment import ENCODERS, small_experiment

from mmskin.benchmark.answer import write_answer
from mmskin.benchmark.baselines.embeddings import Embed
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.run.feature_task import feature_tasks
from mmskin.benchmark.run.fine_tuning import check_fine_tuning, tuning_of, with_tuned_encoders
from mmskin.benchmark.run.local import LocalExecutor
from mmskin.benchmark.run.ray_cluster import RayExecutor
from mmskin.benchmark.run.run import run_benchmark
from mmskin.config.experiment import parse_experiment
from mmskin.data.load import Fold, folds_of, load_cases, prepare_fold
from mmskin.errors import ConfigError, UserError
from mmskin.schema import Field, Schema
from mmskin.training.checkpoint import AtomicCheckpointIO
from mmskin.training.run import run_experiment

TUNING: dict[str, Any] = {
    "encoder": {"trainable": "all", "drop_path": 0.1},
    "fusion": {"dropout": 0.3},
    "training": {"epochs": 2, "batch_size": 4, "channels_last": False, "encoder_learning_rate": 1e-2},
}
CHANGED: dict[str, Any] = {
    "arms": {name: ARMS[name] for name in ("late", "image_only", "regression")},
    "training": {"epochs": 1},
    "fine_tune": {"image": TUNING},
}
SCHEMA = Schema(name="tiny", classes=("a", "b"), fields=(Field(name="itch", kind="yes_no"),))


def tuned_benchmark(root: Path, features: Path, **changed: Any) -> Benchmark:
    return small_benchmark(root, features, **CHANGED | changed)


def model_of(output: Path, fold: int) -> Path:
    return output / "encoders" / "image" / f"fold_{fold}" / "model"


def image_tensors(model: Path) -> dict[str, torch.Tensor]:
    tensors = load_file(model / "model.safetensors")
    return {name: tensor for name, tensor in tensors.items() if name.startswith("encoders.image.")}


def the_same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def tuned(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of the small benchmark with its image encoder fine-tuned, by two processes, never stopped."""
    output = tmp_path_factory.mktemp("tuned {braces}") / "out"
    with LocalExecutor(2) as executor:
        _, failures = run(tuned_benchmark(pad_folder, output.parent / "features"), output, executor=executor)
    assert not failures
    return output


def test_an_encoder_is_tuned_once_a_fold_for_all_arms_and_seeds(tuned: Path) -> None:
    models = sorted(path.parent.relative_to(tuned / "encoders") for path in tuned.rglob("manifest.json"))
    assert models == [Path("image/fold_0/model"), Path("image/fold_1/model")]
    assert not the_same(image_tensors(model_of(tuned, 0)), image_tensors(model_of(tuned, 1)))
    costs = [cost for cost in json.loads((tuned / "costs.json").read_text()) if "encoder" in cost]
    assert [(cost["encoder"], cost["fold"], cost["seed"]) for cost in costs] == [("image", 0, 0), ("image", 1, 0)]
    assert all(cost["fit_seconds"] > 0 and cost["parameters"] > 0 for cost in costs)


def test_it_is_the_encoder_that_a_training_by_itself_would_make(tuned: Path, pad_folder: Path, tmp_path: Path) -> None:
    small = small_experiment(pad_folder, "image", fusion="image_only", threads=1).to_json()
    small["encoders"]["image"] |= TUNING["encoder"]
    small["fusion"] |= TUNING["fusion"]
    small["training"] |= TUNING["training"]
    run_experiment(parse_experiment(small), tmp_path / "run", say=lambda line: None, progress=False)
    assert the_same(image_tensors(tmp_path / "run" / "fold_0" / "model"), image_tensors(model_of(tuned, 0)))


def test_arms_read_it_frozen_and_train_nothing_of_it(tuned: Path, pad_folder: Path, tmp_path: Path) -> None:
    costs = json.loads((tuned / "costs.json").read_text())
    own = {cost["arm"]: cost["parameters"] for cost in costs if "arm" in cost}
    encoder = sum(t.numel() for t in image_tensors(model_of(tuned, 0)).values() if t.is_floating_point())
    assert own["image_only"] < encoder / 10
    # An earlier `mmskin train`, named by hand, gives every arm the same bits.
    weights = str(model_of(tuned, 0)).replace("fold_0", "fold_{fold}").replace("{braces}", "{{braces}}")
    slots = {"image": FROZEN | {"weights": weights}, "text": ENCODERS["text"]}
    by_hand = tuned_benchmark(pad_folder, tmp_path / "features", encoders=slots, fine_tune={})
    table, _ = run(by_hand, tmp_path / "out")
    pd.testing.assert_frame_equal(table, pd.read_parquet(tuned / "predictions.parquet"), check_exact=True)


def fold_of(benchmark: Benchmark, number: int) -> Fold:
    cases = load_cases(benchmark.data)
    return prepare_fold(benchmark.data, cases, folds_of(benchmark.data, cases), number)


def test_embeddings_for_table_arms_are_those_of_the_encoder_of_their_fold(tuned: Path, pad_folder: Path) -> None:
    benchmark = with_tuned_encoders(tuned_benchmark(pad_folder, tuned.parent / "features"), tuned)
    assert benchmark.encoders["image"]["trainable"] == "none"
    folds = [fold_of(benchmark, number) for number in (0, 1)]
    rows = folds[0].split.test
    reading = {"image": tuning_of(benchmark, "image").model_copy(update={"encoders": benchmark.encoders})}
    first, second = (Embed(reading, fold)("image", rows) for fold in folds)
    assert abs(first - second).max() > 1e-3
    tasks = feature_tasks(benchmark, ["late"], {("late", fold.number): fold for fold in folds})
    assert [(task.modality, [seen.fold.number for seen in task.folds]) for task in tasks] == [
        ("image", [0]),
        ("image", [1]),
        ("text", [0, 1]),
    ]


def test_the_bits_are_those_of_one_process(tuned: Path, pad_folder: Path, tmp_path: Path) -> None:
    table, _ = run(tuned_benchmark(pad_folder, tmp_path / "features"), tmp_path / "out")
    pd.testing.assert_frame_equal(table, pd.read_parquet(tuned / "predictions.parquet"), check_exact=True)


@pytest.mark.slow
def test_the_bits_are_those_of_ray(tuned: Path, pad_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'mmskin[ray]'")
    with RayExecutor(2) as executor:
        table, _ = run(tuned_benchmark(pad_folder, tmp_path / "features"), tmp_path / "out", executor=executor)
    pd.testing.assert_frame_equal(table, pd.read_parquet(tuned / "predictions.parquet"), check_exact=True)


def test_stopped_while_tuning_it_goes_on_to_the_same_bits_and_tunes_no_encoder_again(
    tuned: Path, pad_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark, output = tuned_benchmark(pad_folder, tmp_path / "features"), tmp_path / "out"
    save = AtomicCheckpointIO.save_checkpoint
    saved: list[str] = []

    def save_and_stop(self: AtomicCheckpointIO, checkpoint: dict[str, Any], path: Any, **options: Any) -> None:
        save(self, checkpoint, path, **options)
        saved.append(Path(path).parent.name)
        if saved == ["fold_0", "fold_0", "fold_1"]:  # two epochs of fold 0, one of fold 1
            raise RuntimeError("the power went out")

    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", save_and_stop)
    with pytest.raises(UserError, match=r"encoders\.image on fold 1: RuntimeError: the power went out"):
        run(benchmark, output)
    kept = model_of(output, 0) / "manifest.json"
    before = kept.stat().st_mtime_ns
    said: list[str] = []
    table, _ = run_benchmark(benchmark, output, executor=ThisProcess(), say=said.append, quiet=True)
    assert [line for line in said if "tun" in line] == [
        "fine-tuning: image, fold 1",
        "fine-tuned: image, fold 1; 2 of 2",
    ]
    assert saved[3:] == ["fold_1"]  # its second epoch alone
    assert kept.stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(table, pd.read_parquet(tuned / "predictions.parquet"), check_exact=True)


def test_the_report_says_that_one_encoder_stands_for_all_seeds(tuned: Path) -> None:
    config = json.loads((tuned / "config.json").read_text())
    write_answer(Benchmark.model_validate(config), tuned, [], replicates=100)
    page = (tuned / "report.html").read_text()
    assert "Fine-tuned in this run, once a fold on its training rows, with seed 0: image." in page


def test_one_that_fails_ends_the_run_with_its_name(pad_folder: Path, tmp_path: Path) -> None:
    broken = TUNING | {"encoder": {"trainable": "all", "weights": "nowhere"}}
    with pytest.raises(UserError, match=r"fine-tuning of encoders\.image on fold 0: weights='nowhere': no such file"):
        run(tuned_benchmark(pad_folder, tmp_path, fine_tune={"image": broken}), tmp_path / "out")


def test_what_cannot_be_tuned_is_refused_before_anything_is_trained() -> None:
    def told(tuning: dict[str, Any], modality: str = "image", **changed: Any) -> str:
        with pytest.raises(ConfigError) as error:
            check_fine_tuning(tuned_benchmark(Path(), Path(), fine_tune={modality: tuning}, **changed), SCHEMA)
        return str(error.value)

    learning = {"image": ENCODERS["image"], "text": ENCODERS["text"]}
    assert "set encoders.image.trainable to none, however: None" in told(TUNING, encoders=learning)
    assert "add encoders.image" in told(TUNING, encoders={"text": ENCODERS["text"]})
    assert "fine_tune.metadata" in told(TUNING, "metadata")
    assert "fine_tune.image.encoder is missing" in told({})
    assert "a cell has one thread" in told(TUNING | {"training": {"threads": 2}})
    assert "leave save_model out" in told(TUNING | {"training": {"save_model": False}})
    assert told(TUNING | {"encoder": {}}).startswith("fine_tune.image: nothing of the encoder learns")
    assert "another model" in told(TUNING | {"encoder": {"trainable": "all", "model": "test_vit"}})
    assert "option 'drop_paht' does not exist" in told(TUNING | {"encoder": {"drop_paht": 0.1}})
    assert "option 'dropuot' does not exist" in told(TUNING | {"fusion": {"dropuot": 0.1}})
    assert "balances classes twice" in told(TUNING | {"training": {"sampler": "class_balanced"}})
    frozen_text = {"image": FROZEN, "text": ENCODERS["text"] | {"trainable": "none"}}
    assert "fine_tune.text: text encoder 'hashing'" in told({"encoder": {}}, "text", encoders=frozen_text)
    own = {name: arm | {"encoders": {"image": FROZEN}} for name, arm in CHANGED["arms"].items()}
    assert told(TUNING, arms=own) == "fine_tune.image: no arm reads encoders.image; leave it out"
