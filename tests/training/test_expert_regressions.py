"""Experts as logistic regressions: scikit-learn's own answers, the penalty, and what they need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from small_experiment import small_experiment
from torch import nn
from torch.utils.data import DataLoader

from mmskin.config.experiment import Experiment, parse_experiment
from mmskin.data.load import Fold, folds_of, load_cases, prepare_fold
from mmskin.data.splits import inner_folds
from mmskin.errors import ConfigError
from mmskin.fusion.experts import Experts
from mmskin.inputs.batch import collate
from mmskin.synthetic import make_clinic
from mmskin.trained.saved_model import load_model
from mmskin.trained.trained_model import TrainedModel
from mmskin.training.expert_regressions import PENALTIES, choose_strength, put
from mmskin.training.expert_weights import experts_of
from mmskin.training.fit_fold import fit_fold


def drawn(classes: list[int], *, signal: float, count: int = 300, dim: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = rng.choice(classes, count)
    rows = rng.normal(size=(count, dim))
    rows[np.arange(count), codes] += signal
    return rows, codes


@pytest.mark.parametrize("classes", [[0, 1, 2], [0, 2], [1, 3]])
def test_a_linear_layer_answers_as_the_regression_and_never_a_class_that_was_not_there(classes: list[int]) -> None:
    rows, codes = drawn(classes, signal=2.0)
    model = LogisticRegression(max_iter=1000).fit(rows, codes)
    head = nn.Linear(12, 4)
    put(model, head)
    probs = head(torch.as_tensor(rows, dtype=torch.float32)).softmax(dim=1).detach().numpy()
    np.testing.assert_allclose(probs[:, classes], model.predict_proba(rows), atol=1e-5)
    others = [c for c in range(4) if c not in classes]
    assert probs[:, others].max() < 1e-6


def test_what_says_nothing_is_shrunk_and_what_says_much_is_not() -> None:
    fold, alike = np.arange(300) % 5, np.ones(300)
    assert choose_strength(*drawn([0, 1, 2], signal=0.0), alike, fold) == PENALTIES[0]
    assert choose_strength(*drawn([0, 1, 2], signal=6.0), alike, fold) >= 0.1


def test_rows_of_a_patient_are_held_out_together() -> None:
    """Ten copies of a row tell a regression their class, unless all are held out: then there is nothing to learn."""
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(60), 10)
    rows, codes = rng.normal(size=(60, 80))[patient], rng.integers(0, 2, 60)[patient]
    assert choose_strength(rows, codes, np.ones(600), np.arange(600) % 5) == PENALTIES[-1]
    assert choose_strength(rows, codes, np.ones(600), patient % 5) <= 0.001


def experiment_of(clinic: Path, *, fusion: dict[str, Any], encoders: dict[str, Any], **sections: Any) -> Experiment:
    data = {"source": {"name": "synthetic"}, "missingness": "always_recorded"}
    plain = small_experiment(clinic, "image", "metadata", data=data, learning_rate=0.01, batch_size=16).to_json()
    return parse_experiment(plain | {"fusion": fusion, "encoders": FROZEN | encoders} | sections)


FROZEN = {
    "image": {"name": "timm", "model": "test_efficientnet", "image_size": 32, "trainable": "none"},
    "metadata": {"name": "tokens", "dim": 96, "pooled": "columns"},
}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regressions") / "clinic"
    make_clinic(folder, cases=150, seed=0, size=96)
    return folder


def fitted(experiment: Experiment, folder: Path) -> tuple[TrainedModel, Fold]:
    cases = load_cases(experiment.data)
    fold = prepare_fold(experiment.data, cases, folds_of(experiment.data, cases), 0)
    model = fit_fold(experiment, fold, folder, progress=False)
    assert isinstance(model, TrainedModel)
    return model, fold


def test_experts_stay_as_they_were_fitted_while_the_fusion_learns(clinic: Path, tmp_path: Path) -> None:
    fusion = {"name": "cross_attention", "hidden_dim": 8, "num_heads": 2}
    experiment = experiment_of(clinic, fusion=fusion, encoders={}, experts={"fit_by": "regression"})
    model, fold = fitted(experiment, tmp_path / "one")
    experts = experts_of(model.model)
    assert experts is not None
    assert model.model.correction is not None
    longer = experiment.model_copy(update={"training": experiment.training.model_copy(update={"epochs": 3})})
    other = experts_of(fitted(longer, tmp_path / "other")[0].model)
    assert other is not None
    for name, value in experts.heads.state_dict().items():
        assert torch.equal(value, other.heads.state_dict()[name]), name
    assert model.model.correction.gate.abs().sum() > 0
    loaded = load_model(tmp_path / "one" / "model")
    live = replace(model, cached={})
    assert np.array_equal(loaded.probabilities(fold.split.test), live.probabilities(fold.split.test))


def test_the_expert_of_the_fields_is_the_regression_on_their_columns(clinic: Path, tmp_path: Path) -> None:
    fusion = {"name": "late", "fit_by": "regression", "weights": "fixed", "modalities": ["metadata"]}
    loss = {"name": "cross_entropy"}
    experiment = experiment_of(clinic, fusion=fusion, encoders={}, loss=loss)
    model, fold = fitted(replace_encoders(experiment), tmp_path)
    rows = columns_of(model, fold.split.train)
    codes = np.array([fold.schema.classes.index(name) for name in fold.split.train.target])
    inner = fold.split.train.case_id.map(inner_folds(fold.split.train)).to_numpy()
    strength = choose_strength(rows, codes, np.ones(len(codes)), inner)
    sklearn = LogisticRegression(C=strength, max_iter=5000).fit(rows, codes)
    expected = sklearn.predict_proba(columns_of(model, fold.split.test))
    np.testing.assert_allclose(replace(model, temperature=1.0).probabilities(fold.split.test), expected, atol=1e-4)


def replace_encoders(experiment: Experiment) -> Experiment:
    return experiment.model_copy(update={"encoders": {"metadata": FROZEN["metadata"]}})


def columns_of(model: TrainedModel, rows: pd.DataFrame) -> np.ndarray:
    """Columns of the fields after a plain layer norm, as the head has one."""
    (batch,) = DataLoader(model.dataset(rows), len(rows), collate_fn=collate)
    with torch.no_grad():
        pooled = model.model.encode(batch)[0]["metadata"].pooled
    return torch.nn.functional.layer_norm(pooled, pooled.shape[-1:]).double().numpy()


@pytest.mark.parametrize(
    ("encoders", "sections", "reason"),
    [
        ({"metadata": {"name": "tokens"}}, {}, "the metadata encoder learns in it"),
        ({"image": FROZEN["image"] | {"trainable": "all"}}, {}, "the image encoder learns in it"),
        ({}, {"photo_pooling": "attention"}, "photo_pooling=attention learns"),
    ],
)
def test_what_learns_in_training_cannot_be_read_before_it(
    clinic: Path, tmp_path: Path, encoders: dict[str, Any], sections: dict[str, Any], reason: str
) -> None:
    fusion = {"name": "late", "fit_by": "regression"}
    with pytest.raises(ConfigError, match=reason):
        fitted(experiment_of(clinic, fusion=fusion, encoders=encoders, **sections), tmp_path)


def test_a_regression_has_no_hidden_layer() -> None:
    with pytest.raises(ValueError, match="linear experts, however: hidden_dim=8"):
        Experts({"image": 16, "text": 16}, 3, fit_by="regression", hidden_dim=8)
    with pytest.raises(ValueError, match="fit_by"):
        Experts({"image": 16, "text": 16}, 3, fit_by="forest")  # type: ignore[arg-type]
