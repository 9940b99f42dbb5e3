"""The model of all cases: what it takes from the folds, and what it says of itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_experiment import small_experiment

import mmskin
from mmskin.benchmark.run.final import check_final_run, run_final
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import Experiment
from mmskin.data.load import load_cases
from mmskin.data.patient_digests import patient_digests
from mmskin.errors import ConfigError, UserError
from mmskin.external.evaluated import evaluate_elsewhere
from mmskin.trained.class_calibration import fit_class_calibration
from mmskin.trained.ensemble import Trained
from mmskin.trained.reference import reference_of
from mmskin.trained.run_models import load_trained, models_of_run
from mmskin.trained.safeguards import safeguards_of, validation_shares
from mmskin.trained.saved_model import load_model
from mmskin.training.expert_weights import experts_of
from mmskin.training.fit_final import take_weights

SILENT = {"say": lambda line: None, "progress": False}
ALL = {"test_folds": [0, 1, 2]}


def experiment(root: Path, **training: object) -> Experiment:
    made = small_experiment(root, "image", "metadata", data=ALL, threads=1, **training)
    return made.model_copy(update={"fusion": {"name": "late", "weights": "validation"}})


@pytest.fixture(scope="module")
def run(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("run")
    run_experiment(experiment(pad_folder), output, **SILENT)  # type: ignore[arg-type]
    run_final(experiment(pad_folder), output, **SILENT)  # type: ignore[arg-type]
    return output


@pytest.fixture(scope="module")
def folds(run: Path) -> list[Trained]:
    return [load_model(one.folder) for one in models_of_run(run)]


def test_it_has_learned_from_every_patient(run: Path, pad_folder: Path) -> None:
    final = load_trained(run / "final")
    everyone = load_cases(experiment(pad_folder).data).table
    assert final.record["trained_on"]["pad_ufes_20"] == patient_digests(everyone["patient_id"], source="pad_ufes_20")
    assert sum(final.record["class_counts"]) == len(everyone)
    assert "fold" not in final.record


def test_temperature_and_expert_weights_are_means_of_those_of_the_folds(run: Path, folds: list[Trained]) -> None:
    final = load_trained(run / "final")
    assert np.log(final.temperature) == pytest.approx(np.mean([np.log(fold.temperature) for fold in folds]))
    experts = experts_of(final.models[0].model)
    assert experts is not None
    for modality, weight in experts.weights.items():
        of_folds = [experts_of(fold.models[0].model).weights[modality].item() for fold in folds]  # type: ignore[union-attr]
        assert weight.item() == pytest.approx(np.mean(of_folds), abs=1e-6)
    assert len({round(w.item(), 6) for fold in folds for w in experts_of(fold.models[0].model).weights.values()}) > 1  # type: ignore[union-attr]


def test_it_remembers_the_answers_of_the_folds_and_the_fields_of_all(run: Path) -> None:
    trained = load_trained(run / "final")
    reference = reference_of(trained)
    assert reference is not None
    table = pd.read_parquet(run / "predictions.parquet")
    val = table[table["split"] == "val"]
    columns = [name for name in table if str(name).startswith("prob_")]
    classes = [name.removeprefix("prob_") for name in columns]
    fitted = fit_class_calibration(
        np.log(val[columns].to_numpy()), pd.Index(classes).get_indexer(pd.Index(val["target"]))
    )
    assert validation_shares(trained) == pytest.approx(fitted.prior)
    safeguards = safeguards_of(trained)
    assert safeguards is not None
    probs = val[columns].to_numpy()
    assert safeguards.probabilities(probs, "") == pytest.approx(fitted.probabilities(np.log(probs)), abs=0.02)
    assert (reference.patients, reference.validated) == (36, 36)
    assert not reference.photos  # its encoder has learned from every photo


def test_every_answer_says_what_to_expect(run: Path) -> None:
    (remark,) = load_trained(run / "final").remarks
    assert remark.startswith(
        "trained on all 36 cases and not tested itself: expect the balanced accuracy of the models"
    )
    assert "on 36 cases of other patients" in remark
    assert remark in mmskin.load(run / "final").predict(metadata={"age": 40}).remarks


def test_the_folds_still_answer_together_and_the_final_model_alone(run: Path) -> None:
    assert len(load_trained(run).models) == 3
    assert len(load_trained(run / "final").models) == 1


def test_elsewhere_its_expected_score_stands_beside(run: Path, pad_folder: Path, tmp_path: Path) -> None:
    table = pd.read_csv(pad_folder / "metadata.csv")
    for column in ("patient_id", "img_id"):
        table[column] = table[column].str.replace("PAT", "OTH")
    table.to_csv(tmp_path / "metadata.csv", index=False)
    (tmp_path / "images").mkdir()
    for path in (pad_folder / "images").rglob("*.png"):
        (tmp_path / "images" / path.name.replace("PAT", "OTH")).write_bytes(path.read_bytes())
    there = experiment(tmp_path).data
    found = evaluate_elsewhere({"final": run / "final"}, there, replicates=100)
    home, elsewhere = found.sections.above[0].grids[0].rows
    assert home[2] != "–"  # noqa: RUF001
    assert elsewhere[-1] == "36"
    again = evaluate_elsewhere({"final": run / "final"}, there, replicates=100, copies=False)
    assert again.notes == found.notes


def test_members_and_a_frozen_encoder(pad_folder: Path, tmp_path: Path) -> None:
    made = small_experiment(pad_folder, "image", fusion="image_only", data=ALL, threads=1, members=2)
    frozen = {"image": {**made.encoders["image"], "trainable": "none"}}
    made = made.model_copy(update={"encoders": frozen})
    run_experiment(made, tmp_path / "run", **SILENT)  # type: ignore[arg-type]
    final = load_trained(run_final(made, tmp_path / "run", **SILENT))  # type: ignore[arg-type]
    assert len(final.models) == 2
    reference = reference_of(final)
    assert reference is not None
    assert reference.photos["image"].patients == 36  # a frozen encoder sees new photos as these


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"training": {"early_stopping": 3}},
            "training.early_stopping watches validation rows, and a final model has none",
        ),
        ({"training": {"keep": "lowest_log_loss"}}, "training.keep watches validation rows"),
        ({"training": {"save_model": False}}, "takes its calibration from the models of the folds"),
        ({"weights": "runs/x/fold_{fold}/model"}, r"encoders.image is another one in each fold \(\{fold\}\)"),
    ],
)
def test_what_no_final_model_can_be_made_of_is_refused(
    pad_folder: Path, tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    made = experiment(pad_folder, **changed.get("training", {}))  # type: ignore[arg-type]
    if "weights" in changed:
        made.encoders["image"]["weights"] = changed["weights"]
    with pytest.raises(ConfigError, match=message):
        check_final_run(made, tmp_path)


def test_one_that_is_there_is_not_written_over(pad_folder: Path, run: Path) -> None:
    with pytest.raises(UserError, match="final is there already"):
        run_final(experiment(pad_folder), run, **SILENT)  # type: ignore[arg-type]


def test_fixed_weights_stay(pad_folder: Path, run: Path, folds: list[Trained]) -> None:
    final = load_trained(run / "final").models[0]
    experts = experts_of(final.model)
    assert experts is not None
    experts.weights_from = "fixed"
    before = {name: weight.clone() for name, weight in experts.weights.items()}
    take_weights(final, [fold.models[0] for fold in folds[:1]])
    assert all(bool((experts.weights[name] == weight).all()) for name, weight in before.items())
