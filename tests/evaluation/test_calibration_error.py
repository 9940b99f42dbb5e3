from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_calibration_error

from mmskin.evaluation import metrics
from mmskin.evaluation.calibration_error import (
    classwise_ece,
    debiased_classwise_ece,
    debiased_ece,
    marginal_calibration_error,
    mean_classwise_ece,
)
from mmskin.evaluation.intervals import patient_weights


def answers(confidence: list[float], right: list[int]):
    """Two classes; the answer is the first one, and the target is it where the answer is right."""
    first = np.array(confidence)
    return 1 - np.array(right), np.stack([first, 1 - first], axis=1)


def drawn(rng: np.random.Generator, *, n: int, sharpened: float = 1.0):
    """Six classes; targets come from the true probabilities, which are then sharpened."""
    truth = rng.dirichlet([0.5] * 6, size=n)
    target = (rng.random((n, 1)) > truth.cumsum(axis=1)[:, :-1]).sum(axis=1)
    probs = truth**sharpened
    return target, probs / probs.sum(axis=1, keepdims=True)


def too_sure(rng: np.random.Generator, *, n: int, by: float):
    """Two classes; every confidence lies above the chance of being right by the same amount."""
    chance = rng.uniform(0.5, 0.85, size=n)
    return answers(list(chance + by), list((rng.random(n) < chance).astype(int)))


def test_debiased_ece_by_hand() -> None:
    # Two bins of four. Confidence .6, a quarter right: .35² - .25 · .75 / 3 = .06.
    # Confidence .925, half right: .425² - .5 · .5 / 3 = .0972917. Root of their mean .0786458: .280439.
    confidence = [0.52, 0.56, 0.64, 0.68, 0.88, 0.92, 0.94, 0.96]
    target, probs = answers(confidence, [0, 1, 0, 0, 1, 0, 1, 0])
    assert debiased_ece(target, probs, bins=2) == pytest.approx(0.280439, abs=1e-6)


def test_a_case_drawn_twice_is_one_piece_of_evidence() -> None:
    # Weights 2, 1, 1, the last one right: accuracy .25, gap .65. Σw² / ((Σw)² - Σw²) = 6 / (16 - 6):
    # .4225 - .25 · .75 · .6 = .31. Written out as four rows it would be .4225 - .25 · .75 / 3 = .36.
    target, probs = answers([0.9, 0.9, 0.9], [0, 0, 1])
    assert debiased_ece(target, probs, np.array([2.0, 1, 1]), bins=1) == pytest.approx(np.sqrt(0.31))
    target, probs = answers([0.9] * 4, [0, 0, 0, 1])
    assert debiased_ece(target, probs, bins=1) == pytest.approx(np.sqrt(0.36))


def test_equal_mass_bins_are_those_of_the_authors() -> None:
    # Of their tests: .2 .3 .3 | .5 .5 | .7, the sorted values cut into three, equal ones together.
    # Accuracies 2/3, 1/2, 0; means .8/3, .5, .7. The bin of one case is left out:
    # (3 · [.4² - 2/3 · 1/3 / 2] + 2 · [0 - .25]) / 5 < 0. The first bin alone has .16 - .1111 = .0489.
    share, happened = [0.2, 0.3, 0.3, 0.5, 0.5, 0.7], [0, 1, 1, 0, 1, 0]
    target, probs = answers(share, happened)
    assert debiased_classwise_ece(target, probs, bins=3)[0] == 0
    first_bin = np.array([1.0, 1, 1, 0, 0, 1])
    assert debiased_classwise_ece(target, probs, first_bin, bins=3)[0] == pytest.approx(np.sqrt(0.16 - 1 / 9))


def test_calibrated_answers_are_near_0_where_the_plain_error_is_not() -> None:
    rng = np.random.default_rng(0)
    cases = [drawn(rng, n=400) for _ in range(200)]
    debiased = np.mean([debiased_ece(*case) for case in cases])
    plain = np.mean([metrics.ece(*case) for case in cases])
    assert debiased < 0.03  # .023; the root keeps what is above 0
    assert plain > 0.05
    assert np.mean([debiased_ece(*case) == 0 for case in cases]) > 0.4  # the square is as often below 0 as above
    assert np.mean([marginal_calibration_error(*case) for case in cases]) < 0.015
    assert np.mean([mean_classwise_ece(*case) for case in cases]) > 0.04


@pytest.mark.parametrize("by", [0.05, 0.1])
def test_a_known_error_is_recovered(by: float) -> None:
    rng = np.random.default_rng(1)
    found = np.mean([debiased_ece(*too_sure(rng, n=2000, by=by)) for _ in range(200)])
    assert found == pytest.approx(by, abs=0.003)  # standard error of the mean .0008, and the root bends by .002


def test_the_mean_of_many_estimates_does_not_depend_on_the_number_of_cases() -> None:
    rng = np.random.default_rng(2)
    few, many = (np.mean([debiased_ece(*drawn(rng, n=n, sharpened=2)) for _ in range(100)]) for n in (300, 3000))
    assert few == pytest.approx(many, abs=0.01)
    plain = [np.mean([metrics.ece(*drawn(rng, n=n, sharpened=1.2)) for _ in range(100)]) for n in (300, 3000)]
    assert plain[0] > plain[1] + 0.02


def test_resamples_lie_around_the_data_not_above() -> None:
    target, probs = drawn(np.random.default_rng(3), n=1000, sharpened=1.5)
    resampled = np.random.default_rng(4).multinomial(1000, np.full(1000, 0.001), size=500).astype(float)
    assert debiased_ece(target, probs, resampled).mean() == pytest.approx(debiased_ece(target, probs), abs=0.004)
    assert metrics.ece(target, probs, resampled).mean() > metrics.ece(target, probs) + 0.004


def test_classwise_ece_by_hand() -> None:
    # Class 0: probabilities .9 .9 (once it is) and .2 (it is not): (|1 - 1.8| + |0 - .2|) / 3 = 1/3. Class 1: .1 .1 .8.
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    target = np.array([0, 1, 1])
    assert classwise_ece(target, probs) == pytest.approx([1 / 3, 1 / 3])
    # Without the second case |1 - .9| / 2 + |0 - .2| / 2 = .15.
    weights = np.array([[1.0, 1, 1], [1, 0, 1]])
    assert mean_classwise_ece(target, probs, weights) == pytest.approx([1 / 3, 0.15])


def test_classwise_ece_equals_torchmetrics_class_by_class() -> None:
    target, probs = drawn(np.random.default_rng(5), n=500, sharpened=1.5)
    for c, found in enumerate(classwise_ece(target, probs, bins=10)):
        given = torch.tensor(probs[:, c]), torch.tensor(target == c).int()
        assert found == pytest.approx(float(binary_calibration_error(*given, n_bins=10, norm="l1")), abs=1e-6)


def test_the_marginal_error_is_the_root_mean_square_of_its_classes() -> None:
    target, probs = drawn(np.random.default_rng(6), n=3000, sharpened=2)
    classes = debiased_classwise_ece(target, probs)
    assert (classes > 0).all()
    assert marginal_calibration_error(target, probs) == pytest.approx(np.sqrt((classes**2).mean()))


@pytest.mark.parametrize("compute", [debiased_ece, classwise_ece, debiased_classwise_ece, marginal_calibration_error])
def test_the_order_of_rows_changes_nothing(compute) -> None:
    rng = np.random.default_rng(7)
    target, probs = drawn(rng, n=200)
    probs = np.round(probs, 1)  # many ties
    order = rng.permutation(200)
    assert compute(target[order], probs[order]) == pytest.approx(compute(target, probs))


@pytest.mark.parametrize("compute", [debiased_ece, classwise_ece, debiased_classwise_ece, marginal_calibration_error])
def test_each_resample_is_computed_by_itself_and_scale_is_nothing(compute, make_predictions) -> None:
    target, probs = drawn(np.random.default_rng(8), n=120)
    weights = patient_weights(make_predictions(n=120)["patient_id"], replicates=4)
    together = compute(target, probs, weights)
    assert together.shape[0] == 4
    for one, row in zip(weights, together, strict=True):
        assert compute(target, probs, one) == pytest.approx(row)
        assert compute(target, probs, 0.1 * one) == pytest.approx(row)


def test_few_cases_make_fewer_bins() -> None:
    # Five cases make two bins of two or three, whatever was asked for.
    target, probs = answers([0.6, 0.65, 0.7, 0.9, 0.95], [0, 0, 0, 1, 0])
    assert debiased_ece(target, probs, bins=15) == pytest.approx(debiased_ece(target, probs, bins=2))


def test_one_case_or_no_weight_says_nothing() -> None:
    target, probs = answers([0.6, 0.9], [1, 1])
    assert np.isnan(debiased_ece(target[:1], probs[:1]))
    assert np.isnan(debiased_ece(target, probs, np.array([0.3, 0])))
    assert np.isnan(marginal_calibration_error(target, probs, np.zeros(2)))
    assert np.isnan(classwise_ece(target, probs, np.zeros(2))).all()
