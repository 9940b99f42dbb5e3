"""Weights of experts on rows that they have not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import norm
from small_experiment import small_experiment
from torch import Tensor

from mmskin.config.experiment import parse_experiment
from mmskin.data.load import folds_of, load_cases, prepare_fold
from mmskin.fusion.experts import Experts
from mmskin.training.expert_weights import Said, experts_of, fitted_weights
from mmskin.training.fit_fold import fit_fold

FLAT = torch.full((3,), 1 / 3).log()
ALIKE = torch.ones(3)
COUNTS = [79, 92, 7, 27, 21, 24]
"""Of the classes in a fifth of PAD-UFES-20's sample, roughly."""


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


def test_a_correction_that_is_wrong_on_new_cases_loses_its_strength_and_no_other_gets_louder() -> None:
    wrong = said(correction=lambda target: torch.nn.functional.one_hot((target + 1) % 3, 3).double())
    right = said(correction=lambda target: torch.nn.functional.one_hot(target, 3).double())
    assert weights_of(wrong)[1] == pytest.approx(0.0, abs=1e-6)
    assert weights_of(right)[1] == 1


def test_they_are_the_most_probable_ones_after_as_many_cases_as_a_weighted_mean_is_worth() -> None:
    # Anew with scipy: cases of 100 in three classes that count 1, 2 and 5, and a normal prior of deviation .25.
    cases = said(100, sure=1.0)
    heavy = np.array([1.0, 2.0, 5.0])
    found, _ = weights_of(cases, class_weights=torch.tensor(heavy))
    image, text = (cases.log_posteriors[m].numpy() for m in ("image", "text"))
    target = cases.target.numpy()
    of_case = heavy[target] / heavy[target].mean()
    worth = of_case.sum() ** 2 / (of_case**2).sum()

    def minus_log_posterior(w: np.ndarray) -> float:
        both = w[0] * image + w[1] * text
        log_p = both[np.arange(100), target] - np.log(np.exp(both).sum(1))
        return float(-worth * np.average(log_p, weights=of_case) - norm.logpdf(w, 1, 0.25).sum())

    expected = minimize(minus_log_posterior, [1.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9}).x
    assert 30 < worth < 80
    assert [found["image"], found["text"]] == pytest.approx(expected.tolist(), abs=1e-3)


def clinic(seed: int, *, distance: float, photo_sure: float = 1.0) -> Said:
    """250 cases of six classes, seven of the rarest, and two experts that are exact posteriors under a flat prior.

    Each sees a standard normal vector whose mean is `distance` along the axis of the class. The photo's may have
    learned its training rows by heart: its log-odds are then so many times too large.
    """
    target = np.repeat(np.arange(6), COUNTS)
    generator = np.random.default_rng(seed)
    seen = generator.normal(size=(2, 250, 6)) + distance * np.eye(6)[target]
    photo, note = torch.from_numpy(distance * seen)
    there = dict.fromkeys(("image", "text"), torch.ones(250, dtype=torch.bool))
    posteriors = {"image": (photo_sure * photo).log_softmax(-1), "text": note.log_softmax(-1)}
    return Said(posteriors, there, None, torch.from_numpy(target))


def clinic_weights(**options: float) -> np.ndarray:
    """(20, 2) weights of photo and note in 20 clinics, classes balanced by weights."""
    balanced = torch.tensor(250 / 6 / np.array(COUNTS))
    flat = torch.full((6,), 1 / 6).log()
    experts = Experts({"image": 8, "text": 8}, 6)
    cases = [clinic(seed, **options) for seed in range(20)]
    found = [fitted_weights(experts, of, log_prior=flat, class_weights=balanced)[0] for of in cases]
    return np.array([list(of.values()) for of in found])


def test_on_250_rows_that_say_nothing_or_little_weights_stay_near_1() -> None:
    assert clinic_weights(distance=0.0) == pytest.approx(np.ones((20, 2)), abs=1e-9)
    little = clinic_weights(distance=0.2)
    # Estimates vary most where rows say as much as the prior: by half its deviation, .125, were all cases alike.
    assert little.std() < 0.13
    assert np.abs(little - 1).max() < 0.35


def test_experts_that_are_right_keep_their_weights_between_folds_and_a_memorised_one_loses_most_of_it() -> None:
    right = clinic_weights(distance=1.5)
    assert np.abs(right.mean(0) - 1).max() < 0.05
    assert np.abs(right - 1).max() < 0.35
    photo, note = clinic_weights(distance=1.5, photo_sure=4.0).T
    assert photo.max() < 0.45  # 1/4 is right
    assert np.abs(note - 1).max() < 0.35


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
