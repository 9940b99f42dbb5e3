from __future__ import annotations

import numpy as np
import pytest
import torch

from mmskin.errors import DataError
from mmskin.evaluation import metrics
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.trained.calibration import apply_temperature, fit_temperature


def drawn(seed: int, *, n: int = 4000) -> tuple[Ints, Floats]:
    """Targets drawn from the probabilities themselves, which are therefore calibrated."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet([0.8, 0.8, 0.8], size=n)
    target = (rng.random((n, 1)) > probs.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return target, probs


def test_the_temperature_that_was_applied_is_found() -> None:
    target, probs = drawn(0)
    spoilt = apply_temperature(probs, 0.4)
    assert fit_temperature(spoilt, target) == pytest.approx(2.5, rel=0.08)  # 4,000 draws
    assert fit_temperature(probs, target) == pytest.approx(1, rel=0.08)


def test_the_temperature_is_the_inverse_of_the_calibration_slope() -> None:
    target, probs = drawn(1, n=300)
    slope = metrics.calibration_slope(target, probs)
    assert fit_temperature(probs, target) == pytest.approx(1 / slope, rel=1e-3)


def test_a_fitted_temperature_lowers_the_log_loss_and_keeps_the_order() -> None:
    target, probs = drawn(2, n=300)
    spoilt = apply_temperature(probs, 0.3)
    mended = apply_temperature(spoilt, fit_temperature(spoilt, target))
    assert metrics.log_loss(target, mended) < metrics.log_loss(target, spoilt)
    assert (mended.argsort(axis=1) == spoilt.argsort(axis=1)).all()


def test_temperature_by_hand() -> None:
    # Odds 3:1 at T = 2 are sqrt(3):1.
    assert apply_temperature(np.array([[0.75, 0.25]]), 2)[0, 0] == pytest.approx(3**0.5 / (3**0.5 + 1))
    assert apply_temperature(np.array([[1.0, 0.0]]), 1) == pytest.approx(np.array([[1.0, 0.0]]))


def test_no_validation_case_is_refused() -> None:
    with pytest.raises(DataError, match="needs validation cases"):
        fit_temperature(np.empty((0, 3)), np.empty(0, dtype=np.int64))


def test_a_row_of_nan_stays_one() -> None:
    probs = np.array([[0.9, 0.1], [np.nan, np.nan]])
    # √.9 / (√.9 + √.1) = .75
    assert apply_temperature(probs, 2.0)[0] == pytest.approx([0.75, 0.25])
    assert np.isnan(apply_temperature(probs, 2.0)[1]).all()


def test_a_tensor_gets_the_numbers_of_an_array_and_a_gradient() -> None:
    _, probs = drawn(4, n=50)
    tensor = torch.tensor(probs, requires_grad=True)
    calibrated = apply_temperature(tensor, 1.7)
    assert calibrated.detach().numpy() == pytest.approx(apply_temperature(probs, 1.7), rel=1e-12)
    calibrated[:, 0].sum().backward()
    assert tensor.grad is not None
    assert bool(tensor.grad.isfinite().all())
