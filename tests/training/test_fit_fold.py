from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from data.make_ddi import make_ddi
from small_experiment import small_experiment
from torch.utils.data import DataLoader

from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import Experiment, parse_experiment
from mmskin.data.load import folds_of, load_cases, prepare_fold
from mmskin.errors import ConfigError, DataError, UserError
from mmskin.evaluation.metrics import Floats
from mmskin.inputs.batch import collate
from mmskin.inputs.dataset import CaseDataset
from mmskin.losses.loss_contract import Loss
from mmskin.model.classifier import MultimodalClassifier, build_model
from mmskin.schema import Schema
from mmskin.trained.saved_model import load_model
from mmskin.trained.trained_model import TrainedModel
from mmskin.training.checkpoint import KeepLast
from mmskin.training.fit import fit
from mmskin.training.fit_fold import fit_encoders, fit_fold, fold_slots
from mmskin.training.readings import Reading, fold_cases, make_reader

CELL = Path("cells") / "small" / "fold_0" / "seed_0"


def run(experiment: Experiment, output: Path, **options: Any) -> pd.DataFrame:
    return run_experiment(experiment, output, say=lambda line: None, progress=False, **options)


def parts(
    experiment: Experiment,
) -> tuple[MultimodalClassifier, Loss, tuple[CaseDataset, CaseDataset, CaseDataset]]:
    """What `run_fold` makes of fold 0 before it trains."""
    cases = load_cases(experiment.data)
    fold = prepare_fold(experiment.data, cases, folds_of(experiment.data, cases), 0)
    counts = [int((fold.split.train.target == name).sum()) for name in fold.schema.classes]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, loss = build_model(
            experiment.encoders,
            experiment.fusion,
            experiment.loss,
            schema=fold.schema,
            class_counts=counts,
            experts=experiment.to_json()["experts"],
        )
    fit_encoders(model, fold.split.train, fold.schema)
    reading = Reading.of(experiment)
    readers = {m: make_reader(m, reading, fold.schema, encoder, tokens=True) for m, encoder in model.encoders.items()}
    return model, loss, fold_cases(reading, fold.split, fold.schema, readers)


def test_a_run_leaves_predictions_of_validation_and_test_patients_and_a_model(trained_run: Path) -> None:
    table = pd.read_parquet(trained_run / "predictions.parquet")
    assert set(table["split"]) == {"val", "test"}
    assert set(table["arm"]) == {"small"}
    assert not set(table[table["split"] == "val"].patient_id) & set(table[table["split"] == "test"].patient_id)
    probabilities = table.filter(like="prob_").to_numpy()
    assert np.allclose(probabilities.sum(1), 1)
    assert {"group_fully_recorded"} <= set(table.columns)
    assert (trained_run / CELL / "model" / "manifest.json").exists()
    assert not (trained_run / CELL / "last.ckpt").exists()
    assert (trained_run / CELL / "log" / "version_0" / "metrics.csv").exists()
    assert json.loads((trained_run / "config.json").read_text())["name"] == "small"


def answers(model: MultimodalClassifier, loss: Loss, data: CaseDataset, *, batch_size: int = 64) -> Floats:
    """(N, C) probabilities of the plain view of every case."""
    schema = Schema(name="any", classes=("a", "b"))
    trained = TrainedModel(model, loss, schema, temperature=1.0, photo_side=32)
    return np.concatenate([trained.of_batch(b) for b in DataLoader(data, batch_size=batch_size, collate_fn=collate)])


@pytest.mark.parametrize(("modalities", "learning_rate"), [(("image", "text"), 0.01), (("metadata",), 0.03)])
def test_a_tiny_set_is_learned_by_heart(
    pad_folder: Path, tmp_path: Path, modalities: tuple[str, ...], learning_rate: float
) -> None:
    fusion = "concat" if len(modalities) > 1 else f"{modalities[0]}_only"
    experiment = small_experiment(
        pad_folder, *modalities, fusion=fusion, epochs=25, batch_size=12, learning_rate=learning_rate, weight_decay=0.0
    )
    model, loss, (train, val, _) = parts(experiment)
    fit(model, loss, train, val, experiment.training, tmp_path, progress=False)
    probabilities = answers(model, loss, train)
    assert (probabilities.argmax(1) == np.asarray(train.targets)).mean() == 1.0


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_a_run_that_was_stopped_and_resumed_is_bit_equal_to_one_never_stopped(
    pad_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    experiment = small_experiment(
        pad_folder, fusion="late", epochs=4, views=2, augment={}, history_dropout=0.2, field_dropout=0.2
    )
    whole = run(experiment, tmp_path / "whole")
    keep = KeepLast.on_train_epoch_end

    def stopped(self: KeepLast, trainer: Any, module: Any) -> None:
        keep(self, trainer, module)
        if trainer.current_epoch == 1:
            raise stop("the plug was pulled")

    monkeypatch.setattr(KeepLast, "on_train_epoch_end", stopped)
    with pytest.raises(stop):
        run(experiment, tmp_path / "halves")
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert (tmp_path / "halves" / CELL / "last.ckpt").exists()
    halves = run(experiment, tmp_path / "halves")
    pd.testing.assert_frame_equal(whole, halves, check_exact=True)
    first = load_model(tmp_path / "whole" / CELL / "model").model.state_dict()
    second = load_model(tmp_path / "halves" / CELL / "model").model.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_stopped_after_its_model_and_before_its_predictions_can_be_resumed(
    pad_folder: Path, tmp_path: Path
) -> None:
    experiment = small_experiment(pad_folder, "metadata", fusion="metadata_only")
    first = run(experiment, tmp_path / "run")
    (tmp_path / "run" / CELL / "predictions.parquet").unlink()
    pd.testing.assert_frame_equal(run(experiment, tmp_path / "run"), first, check_exact=True)


def test_folds_side_by_side_equal_folds_one_by_one(pad_folder: Path, tmp_path: Path) -> None:
    data = {"test_folds": [0, 1]}
    experiment = small_experiment(pad_folder, "metadata", fusion="metadata_only", data=data, threads=1)
    one, two = run(experiment, tmp_path / "one"), run(experiment, tmp_path / "two", jobs=2)
    assert set(one["fold"]) == {0, 1}
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_frozen_encoders_train_on_stored_features_and_a_second_run_only_reads_them(
    pad_folder: Path, tmp_path: Path
) -> None:
    base = small_experiment(pad_folder, views=2, augment={}).to_json()
    base["encoders"]["image"]["trainable"] = "none"
    experiment = parse_experiment(base | {"features": str(tmp_path / "features")})
    first = run(experiment, tmp_path / "first")
    shards = sorted((tmp_path / "features").rglob("*.npy"))
    assert shards
    second = run(experiment, tmp_path / "second")
    assert sorted((tmp_path / "features").rglob("*.npy")) == shards
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_loss_that_is_no_number_stops_the_training_and_names_cases(pad_folder: Path, tmp_path: Path) -> None:
    experiment = small_experiment(pad_folder, "metadata", fusion="metadata_only", learning_rate=1e30, warmup=0.0)
    with pytest.raises(UserError, match=r"training stopped: the loss became .* cases PAT_.*lower training\.learning"):
        run(experiment, tmp_path / "run")


def test_a_balanced_sampler_beside_a_weighted_loss_has_to_be_asked_for_twice(pad_folder: Path, tmp_path: Path) -> None:
    twice = {"fusion": "metadata_only", "sampler": "class_balanced"}
    with pytest.raises(ConfigError, match=r"balances classes twice; .* set training\.allow_double_balancing=true"):
        run(small_experiment(pad_folder, "metadata", **twice), tmp_path / "run")  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()
    meant = small_experiment(pad_folder, "metadata", allow_double_balancing=True, **twice)  # type: ignore[arg-type]
    assert len(run(meant, tmp_path / "run"))


def test_an_output_folder_is_gone_on_with_and_never_written_over(pad_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    experiment = small_experiment(pad_folder, "metadata", fusion="metadata_only", epochs=1)
    first = run(experiment, output)
    other = small_experiment(pad_folder, "metadata", fusion="metadata_only", epochs=2)
    with pytest.raises(UserError, match=r"begun with another configuration: training\.epochs of small"):
        run(other, output)
    pd.testing.assert_frame_equal(run(experiment, output), first)


def test_a_run_that_failed_before_it_trained_does_not_hold_its_folder(pad_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    wrong = small_experiment(pad_folder, "metadata", fusion="metadata_onli", epochs=1)
    with pytest.raises(ConfigError, match="Did you mean 'metadata_only'"):
        run(wrong, output)
    run(small_experiment(pad_folder, "metadata", fusion="metadata_only", epochs=1), output)


def test_a_fold_that_does_not_exist_is_refused(pad_folder: Path, tmp_path: Path) -> None:
    experiment = small_experiment(pad_folder, data={"test_folds": [7]})
    with pytest.raises(ConfigError, match=r"data\.test_folds names fold 7, however the folds are \[0, 1, 2\]"):
        run(experiment, tmp_path / "run")


def test_braces_in_a_slot_are_filled_in_or_refused(pad_folder: Path) -> None:
    def slots(weights: str) -> dict[str, dict[str, Any]]:
        raw = small_experiment(pad_folder, "metadata", fusion="metadata_only").to_json()
        raw["encoders"]["metadata"]["weights"] = weights
        return fold_slots(parse_experiment(raw).encoders, fold=1, seed=3)

    assert slots("runs/{seed}/fold_{fold}")["metadata"]["weights"] == "runs/3/fold_1"
    with pytest.raises(ConfigError, match=r"encoders\.metadata: only \{fold\} and \{seed\} may stand in braces"):
        slots("runs/{arm}")


def test_cases_of_which_nothing_is_present_get_no_answer_and_spoil_no_other(pad_folder: Path, tmp_path: Path) -> None:
    data = {"fields": ["smoke"]}  # blank for every second benign patient
    table = run(small_experiment(pad_folder, "text", fusion="text_only", data=data), tmp_path / "run")
    experiment = small_experiment(pad_folder, "text", fusion="text_only", data=data)
    cases = load_cases(experiment.data).table
    blank = set(cases[cases.smoke.isna()].case_id)
    assert blank
    assert not blank & set(table.case_id)
    assert table.filter(like="prob_").notna().to_numpy().all()


@pytest.mark.parametrize("missingness", ["visible", "always_recorded", "equalized"])
def test_photos_without_any_history_train_and_are_reported_by_their_subgroups(tmp_path: Path, missingness: str) -> None:
    clinic = tmp_path / "ddi"
    clinic.mkdir()
    make_ddi(clinic)
    data = {"source": {"name": "ddi"}, "missingness": missingness}
    table = run(small_experiment(clinic, "image", fusion="image_only", data=data, epochs=1), tmp_path / "run")
    assert len(table) == 16  # of 24 photos in 3 folds: one validates, one tests
    assert table.filter(like="prob_").notna().to_numpy().all()
    assert set(table.group_skin_tone) == {"1-2", "3-4", "5-6"}


def test_components_are_those_of_training_rows_alone_and_saved_with_the_model(pad_folder: Path, tmp_path: Path) -> None:
    plain = small_experiment(pad_folder, "image", "metadata", fusion="cross_attention").to_json()
    encoders = {"image": plain["encoders"]["image"] | {"trainable": "none"}, "metadata": plain["encoders"]["metadata"]}
    reduce = {"image": {"method": "pca", "dim": 8, "dropout": 0.1}, "metadata": {"dim": 4}}
    experiment = parse_experiment(plain | {"encoders": encoders, "reduce": reduce, "experts": {}})
    cases = load_cases(experiment.data)
    fold = prepare_fold(experiment.data, cases, folds_of(experiment.data, cases), 0)
    trained = replace(fit_fold(experiment, fold, tmp_path, progress=False), cached={})
    loaded = load_model(tmp_path / "model")
    assert np.array_equal(loaded.probabilities(fold.split.test), trained.probabilities(fold.split.test))
    # The mean of the photos' vectors over training rows, by another way: the stored features as the encoder gives them.
    reader = make_reader("image", Reading.of(experiment), fold.schema, trained.model.encoders["image"], tokens=False)
    rows = [reader(case)[0] for case in CaseDataset([fold.split.train], fold.schema, {}).cases()]
    mean = torch.stack([row.pooled for row in rows]).mean(dim=0)
    torch.testing.assert_close(trained.model.reductions["image"].mean, mean, atol=1e-5, rtol=1e-5)


def test_a_model_trains_in_training_mode_after_its_components_are_found(pad_folder: Path, tmp_path: Path) -> None:
    plain = small_experiment(pad_folder, "image", "text").to_json()
    frozen = plain["encoders"] | {"image": plain["encoders"]["image"] | {"trainable": "none"}}

    def trained(dropout: float) -> TrainedModel:
        reduce = {"image": {"method": "pca", "dim": 8, "dropout": dropout}}
        experiment = parse_experiment(plain | {"encoders": frozen, "reduce": reduce})
        cases = load_cases(experiment.data)
        fold = prepare_fold(experiment.data, cases, folds_of(experiment.data, cases), 0)
        made = fit_fold(experiment, fold, tmp_path / str(dropout), progress=False)
        assert isinstance(made, TrainedModel)
        return made

    none, half = (trained(dropout).model.state_dict()["fusion.experts.heads.image.2.weight"] for dropout in (0.0, 0.5))
    assert not torch.equal(none, half)


def test_components_of_an_encoder_that_learns_are_refused(pad_folder: Path, tmp_path: Path) -> None:
    plain = small_experiment(pad_folder).to_json()
    with pytest.raises(ConfigError, match=r"reduce\.image: pca is fitted once, .* this encoder learns: freeze it"):
        run(parse_experiment(plain | {"reduce": {"image": {"method": "pca", "dim": 8}}}), tmp_path / "run")


def with_experts(root: Path, *modalities: str, **training: Any) -> Experiment:
    plain = small_experiment(root, *modalities, fusion="gated", **training).to_json()
    return parse_experiment(plain | {"experts": {"weights": "training"}})


def test_a_fusion_with_experts_trains_all_of_them_is_saved_and_answers_the_same(
    pad_folder: Path, tmp_path: Path
) -> None:
    experiment = with_experts(pad_folder, "image", "text", "metadata", learning_rate=0.01)
    start, *_ = parts(experiment)
    table = run(experiment, tmp_path / "run")
    trained = load_model(tmp_path / "run" / CELL / "model")
    before, after = start.state_dict(), trained.model.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    parameters = {name for name, p in start.named_parameters() if name.startswith(("correction.", "fusion.", "head."))}
    assert any(name.startswith("correction.experts.weights.") for name in parameters)
    assert parameters <= moved
    cases = load_cases(experiment.data).table.set_index("case_id", drop=False)
    tested = table[table["split"] == "test"]
    answers = trained.probabilities(cases.loc[list(tested.case_id)].reset_index(drop=True))
    assert np.array_equal(answers, tested.filter(like="prob_").to_numpy())


def test_with_the_history_gone_a_trained_model_is_its_photo_expert(pad_folder: Path, tmp_path: Path) -> None:
    # Frozen encoders, whose stored features are read, under every kind of hiding.
    plain = with_experts(pad_folder, "image", "text", "metadata", views=3, field_dropout=0.3, history_dropout=0.3)
    raw = plain.to_json()
    raw["encoders"]["image"]["trainable"] = "none"
    experiment = parse_experiment(raw | {"experts": {"weights": "validation"}})
    cases = load_cases(experiment.data)
    fold = prepare_fold(experiment.data, cases, folds_of(experiment.data, cases), 0)
    trained = fit_fold(experiment, fold, tmp_path, progress=False)
    without = fold.split.test.copy()
    without[list(fold.schema.field_names)] = None
    (batch,) = DataLoader(trained.dataset(without), 64, collate_fn=collate)
    assert batch.present["image"].all()
    assert not batch.present["text"].any()
    columns = batch._replace(present=batch.present | {"metadata": torch.zeros(len(batch.target), dtype=torch.bool)})
    with torch.no_grad():
        output = trained.model(columns)
    assert output.expert_logits is not None
    posterior = trained.loss.log_posterior(output.expert_logits["image"]).exp()
    torch.testing.assert_close(output.logits.softmax(-1), posterior, atol=1e-6, rtol=0.0)


def test_answers_do_not_depend_on_the_size_of_the_batch(pad_folder: Path) -> None:
    model, loss, (train, _, _) = parts(small_experiment(pad_folder))
    one, many = (answers(model, loss, train, batch_size=size) for size in (1, 64))
    assert np.allclose(one, many, atol=1e-6)  # float32 sums in another order
    assert np.allclose(many.sum(1), 1)


def test_views_that_no_epoch_reads_are_not_made(pad_folder: Path) -> None:
    _, _, (train, _, _) = parts(small_experiment(pad_folder, epochs=2, views=12, augment={}))
    assert train.views == 2


def test_early_stopping_ends_before_the_last_epoch(pad_folder: Path, tmp_path: Path) -> None:
    experiment = small_experiment(
        pad_folder, "metadata", fusion="metadata_only", epochs=50, early_stopping=1, learning_rate=0.3
    )
    run(experiment, tmp_path / "run")
    log = pd.read_csv(tmp_path / "run" / CELL / "log" / "version_0" / "metrics.csv")
    assert log["epoch"].max() < 49
    assert not (tmp_path / "run" / CELL / "last.ckpt").exists()


def test_fields_can_be_left_out_for_an_ablation_and_a_wrong_name_is_told(pad_folder: Path) -> None:
    def fields_without(*names: str) -> set[str]:
        experiment = small_experiment(pad_folder, "text", data={"without": list(names)})
        cases = load_cases(experiment.data)
        return set(prepare_fold(experiment.data, cases, folds_of(experiment.data, cases), 0).schema.field_names)

    assert fields_without() - fields_without("age", "itch") == {"age", "itch"}
    with pytest.raises(DataError, match="Did you mean 'itch'"):
        fields_without("itsch")
