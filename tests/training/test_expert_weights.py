"""Weights of experts on rows that they have not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_experiment import small_experiment
from torch import Tensor

from mmskin.config.experiment import parse_experiment
from mmskin.data.load import folds_of, load_cases, prepare_fold
from mmskin.fusion.experts import Experts
from mmskin.training.expert_weights import PULL, Said, experts_of, fitted_weights
from mmskin.training.fit_fold import fit_fold

FLAT = torch.full((3,), 1 / 3).log()
ALIKE = torch.ones(3)


def said(count: int = 400, *, sure: float = 4.0, correction: Any = None) -> Said:
    """A photo expert that knows nothing of these cases and is sure all the same; a note that is right 4 times of 5."""
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(3, (count,), generator=generator)
    guess = torch.randint(3, (count,), generator=generator)
    is_right = torch.rand(count, generator=generator) < 0.8
    told = torch.where(is_right, target, (target + 1) % 3)
    photo = (torch.nn.functional.one_hot(guess, 3) * sure).double().log_softmax(-1)
    # As sure as it is right: .8 against .1 and .1.
    note = (torch.nn.functional.one_hot(told, 3) * np.log(8.0)).log_softmax(-1)
    there = dict.fromkeys(("image", "text"), torch.ones(count, dtype=torch.bool))
    added: Tensor | None = None if correction is None else correction(target)
    return Said({"image": photo, "text": note}, there, added, target)


def weights_of(cases: Said, **options: Any) -> tuple[dict[str, float], float]:
    return fitted_weights(
        Experts({"image": 8, "text": 8}, 3), cases, **{"log_prior": FLAT, "class_weights": ALIKE} | options
    )


def test_an_expert_that_knows_nothing_of_new_cases_gets_no_weight_and_one_that_does_keeps_its_own() -> None:
    found, strength = weights_of(said())
    assert found["image"] < 0.1
    assert 0.8 < found["text"] < 1.2
    assert strength == pytest.approx(1.0)  # nothing speaks for or against it: there is no correction


def test_of_no_cases_worth_the_pull_nothing_moves_and_it_is_the_same_every_time() -> None:
    few = said(2)
    nearby, _ = weights_of(few)
    far, _ = weights_of(said())
    assert abs(nearby["image"] - 1) < abs(far["image"] - 1)
    assert weights_of(said()) == weights_of(said())
    assert PULL > 0


def test_a_correction_that_is_wrong_on_new_cases_loses_its_strength_and_a_right_one_gains() -> None:
    wrong = said(correction=lambda target: torch.nn.functional.one_hot((target + 1) % 3, 3).double())
    right = said(correction=lambda target: torch.nn.functional.one_hot(target, 3).double())
    assert weights_of(wrong)[1] == pytest.approx(0.0, abs=1e-6)
    assert weights_of(right)[1] > 2


def test_it_is_where_the_derivative_of_loss_and_pull_is_zero() -> None:
    cases = said(100)
    found, _ = weights_of(cases)
    w = torch.tensor([found["image"], found["text"]], dtype=torch.float64, requires_grad=True)
    logits = w[0] * cases.log_posteriors["image"] + w[1] * cases.log_posteriors["text"]  # a flat prior drops out
    loss = torch.nn.functional.cross_entropy(logits, cases.target) + PULL * (w - 1).square().sum() / 100
    loss.backward()
    assert w.grad is not None
    assert w.grad[1].abs() < 1e-4
    assert w.grad[0].abs() < 1e-4 or found["image"] == 0


def test_classes_count_as_the_prior_has_them() -> None:
    # The note is right of class 0 and wrong of the others: the more class 0 counts, the more the note is trusted.
    cases = said()
    told = torch.zeros_like(cases.target)
    note = (torch.nn.functional.one_hot(told, 3) * np.log(8.0)).log_softmax(-1)
    cases = cases._replace(log_posteriors=cases.log_posteriors | {"text": note})
    alike, _ = weights_of(cases)
    heavy, _ = weights_of(cases, class_weights=torch.tensor([10.0, 1.0, 1.0]))
    assert heavy["text"] > alike["text"] + 0.3


@pytest.mark.parametrize("fusion", ["late", "gated"])
@pytest.mark.parametrize("weights", ["validation", "fixed"])
def test_a_fold_finds_them_on_its_validation_rows_before_the_temperature_if_asked(
    pad_folder: Path, tmp_path: Path, fusion: str, weights: str
) -> None:
    plain = small_experiment(pad_folder, fusion=fusion, learning_rate=0.02).to_json()
    slot = {"name": fusion} | ({"weights": weights} if fusion == "late" else {})
    experts = None if fusion == "late" else {"weights": weights}
    experiment = parse_experiment(plain | {"fusion": slot, "experts": experts})
    cases = load_cases(experiment.data)
    fold = prepare_fold(experiment.data, cases, folds_of(experiment.data, cases), 0)
    trained = fit_fold(experiment, fold, tmp_path, progress=False)
    experts_there = experts_of(trained.model)
    assert experts_there is not None
    moved = [weight.item() != 1 for weight in experts_there.weights.values()]
    assert all(moved) if weights == "validation" else not any(moved)


def test_a_model_without_experts_has_no_weights_to_find(pad_folder: Path, tmp_path: Path) -> None:
    experiment = small_experiment(pad_folder, "text", fusion="text_only", epochs=1)
    cases = load_cases(experiment.data)
    fold = prepare_fold(experiment.data, cases, folds_of(experiment.data, cases), 0)
    assert experts_of(fit_fold(experiment, fold, tmp_path, progress=False).model) is None
