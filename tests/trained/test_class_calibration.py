"""Calibration by class: against the truth of invented answers, another library, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from mmskin.errors import DataError
from mmskin.evaluation.metrics import Floats, Ints, log_loss
from mmskin.trained.calibration import fit_temperature
from mmskin.trained.class_calibration import METHODS, ClassCalibration, fit_class_calibration


def drawn(n: int, *, seed: int) -> tuple[Floats, Ints]:
    """True posteriors of three classes, one of them rare, and classes drawn from them."""
    rng = np.random.default_rng(seed)
    posterior = softmax(rng.normal(scale=2.0, size=(n, 3)) + np.log([0.7, 0.25, 0.05]), axis=1)
    return posterior, np.array([rng.choice(3, p=row) for row in posterior], dtype=np.int64)


def test_by_hand() -> None:
    calibration = ClassCalibration(np.array([1.0, 1.0]), np.array([np.log(3), 0.0]), np.array([0.5, 0.5]))
    assert calibration.probabilities(np.log([[0.5, 0.5]])) == pytest.approx(np.array([[0.75, 0.25]]))
    sharper = ClassCalibration(np.array([2.0, 2.0]), np.zeros(2), np.array([0.5, 0.5]))
    assert sharper.probabilities(np.log([[0.6, 0.4]])) == pytest.approx(np.array([[0.36 / 0.52, 0.16 / 0.52]]))
    assert sharper.temperature == pytest.approx(0.5)


def test_temperature_alone_is_that_of_temperature_scaling() -> None:
    posterior, target = drawn(2000, seed=0)
    logs = log_softmax(3.0 * np.log(posterior), axis=1)
    found = fit_class_calibration(logs, target, method="temperature")
    assert found.temperature == pytest.approx(fit_temperature(logs, target), rel=1e-3)
    assert found.bias == pytest.approx(np.zeros(3))


def test_each_method_undoes_what_it_can() -> None:
    posterior, target = drawn(6000, seed=1)
    fresh, classes = drawn(6000, seed=2)
    best = float(log_loss(classes, fresh))

    def lost(distort: Floats, slopes: Floats, method: str) -> float:
        """Log-loss on fresh cases above that of the truth."""
        before = [log_softmax(slopes * np.log(of) + distort, axis=1) for of in (posterior, fresh)]
        found = fit_class_calibration(before[0], target, method=method)  # type: ignore[arg-type]
        return float(log_loss(classes, found.probabilities(before[1]))) - best

    one, balanced = np.ones(3), -np.log([0.7, 0.25, 0.05])
    by_class = np.array([0.6, 1.0, 1.8])
    assert lost(np.zeros(3), 2.5 * one, "temperature") < 0.003
    assert lost(balanced, 2.5 * one, "temperature") > 0.03  # no temperature brings shares back
    assert lost(balanced, 2.5 * one, "bias_corrected") < 0.003
    assert lost(balanced, by_class, "vector") < lost(balanced, by_class, "bias_corrected") - 0.005


def test_vector_scaling_is_a_logistic_regression_with_a_slope_a_class() -> None:
    """Where data are many, the penalties are nothing: the maximum of the likelihood, found by torch."""
    posterior, target = drawn(8000, seed=3)
    logs = log_softmax(np.array([0.6, 1.0, 1.8]) * np.log(posterior) + np.array([0.5, 0.0, 1.0]), axis=1)
    slopes = torch.ones(3, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([slopes, bias], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(slopes * torch.tensor(logs) + bias, torch.tensor(target))
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[arg-type]
    expected = softmax(slopes.detach().numpy() * logs + bias.detach().numpy(), axis=1)
    found = fit_class_calibration(logs, target, method="vector").probabilities(logs)
    assert np.abs(found - expected).max() < 0.03
    assert np.abs(found - expected).mean() < 0.003


@pytest.mark.parametrize("method", METHODS)
def test_a_class_without_a_case_and_one_ruled_out_stay_finite(method: str) -> None:
    logs = np.array([[0.0, -np.inf, -1.0], [-0.5, -0.5, -3.0], [-2.0, -0.2, -4.0]])
    logs = log_softmax(logs, axis=1)
    found = fit_class_calibration(logs, np.array([0, 0, 1]), method=method)  # type: ignore[arg-type]
    answers = found.probabilities(logs)
    assert np.isfinite(answers).all()
    assert answers[0, 1] == 0
    assert found.prior.sum() == pytest.approx(1)
    assert (found.slopes > 0).all()


def test_a_tensor_is_calibrated_alike_and_differentiably() -> None:
    posterior, target = drawn(300, seed=4)
    found = fit_class_calibration(np.log(posterior), target, method="vector")
    logs = torch.tensor(np.log(posterior), requires_grad=True)
    probs = found.probabilities(logs)
    assert probs.detach().numpy() == pytest.approx(found.probabilities(np.log(posterior)))
    probs[:, 0].sum().backward()
    assert logs.grad is not None
    assert logs.grad.abs().sum() > 0


def test_without_a_case_there_is_nothing_to_fit() -> None:
    with pytest.raises(DataError, match="0 cases"):
        fit_class_calibration(np.zeros((0, 3)), np.zeros(0, dtype=np.int64))
