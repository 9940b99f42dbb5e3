from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.metrics import roc_auc_score

from mmskin.errors import DataError
from mmskin.evaluation import metrics
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.losses.ldam import LDAMLoss
from mmskin.trained.calibration import at_temperature, fit_temperature, log_of


def drawn(seed: int, *, n: int = 4000) -> tuple[Ints, Floats]:
    """Targets drawn from the probabilities themselves, which are therefore calibrated; and their logarithms."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet([0.8, 0.8, 0.8], size=n)
    target = (rng.random((n, 1)) > probs.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return target, np.log(probs)


def test_the_temperature_that_was_applied_is_found() -> None:
    target, log_probs = drawn(0)
    spoilt = log_probs / 0.4
    assert fit_temperature(spoilt, target) == pytest.approx(2.5, rel=0.08)  # 4,000 draws
    assert fit_temperature(log_probs, target) == pytest.approx(1, rel=0.08)


def test_the_temperature_is_the_inverse_of_the_calibration_slope() -> None:
    target, log_probs = drawn(1, n=300)
    slope = metrics.calibration_slope(target, np.exp(log_probs))
    assert fit_temperature(log_probs, target) == pytest.approx(1 / slope, rel=1e-3)


def test_a_fitted_temperature_lowers_the_log_loss_and_keeps_the_order() -> None:
    target, log_probs = drawn(2, n=300)
    spoilt = log_probs / 0.3
    mended = at_temperature(spoilt, fit_temperature(spoilt, target))
    assert metrics.log_loss(target, mended) < metrics.log_loss(target, at_temperature(spoilt, 1.0))
    assert (mended.argsort(axis=1) == spoilt.argsort(axis=1)).all()


def test_temperature_by_hand() -> None:
    # Odds 3:1 at T = 2 are sqrt(3):1.
    assert at_temperature(np.log([[0.75, 0.25]]), 2)[0, 0] == pytest.approx(3**0.5 / (3**0.5 + 1))
    # At T = 1 logits of any height are their softmax, and a class ruled out stays it.
    assert at_temperature(np.array([[7.0, 7.0, -np.inf]]), 1) == pytest.approx(np.array([[0.5, 0.5, 0.0]]))
    assert at_temperature(log_of(np.array([[1.0, 0.0]])), 3) == pytest.approx(np.array([[1.0, 0.0]]))


def far_too_sure(*, n: int = 2000) -> tuple[Ints, Floats, LDAMLoss]:
    """Logits as LDAM leaves them: those of a fair classifier, read 30 times as large by the loss's own link."""
    rng = np.random.default_rng(5)
    target = rng.choice(3, size=n, p=[0.7, 0.2, 0.1])
    logits = 1.5 * np.eye(3)[target] + rng.normal(size=(n, 3))
    return target, np.asarray(logits, dtype=np.float32), LDAMLoss([7, 2, 1])


def test_no_two_cases_that_differ_are_tied_by_a_temperature() -> None:
    target, logits, loss = far_too_sure()
    log_probs = loss.log_probabilities(torch.tensor(logits).double()).numpy()
    temperature = fit_temperature(log_probs, target)
    probs = at_temperature(log_probs, temperature)
    for code in range(3):
        assert len(np.unique(probs[:, code])) == len(target)
        # The order of the cases is that of the logits at this temperature, as scikit-learn sees it.
        true = log_softmax(30 * logits.astype(np.float64) / temperature, axis=1)[:, code]
        expected = roc_auc_score(target == code, true)
        assert metrics.auroc(target, probs)[code] == pytest.approx(expected, abs=1e-12)


def test_what_a_clip_before_the_temperature_would_lose() -> None:
    # The same answers clipped at 1e-12 first: a third of the numbers are one number, and AUROC is lower by .02.
    target, logits, loss = far_too_sure()
    log_probs = loss.log_probabilities(torch.tensor(logits).double()).numpy()
    clipped = np.maximum(log_probs, np.log(1e-12))
    assert (clipped == clipped.min()).mean() > 0.3
    right, wrong = (at_temperature(logs, fit_temperature(logs, target)) for logs in (log_probs, clipped))
    assert metrics.macro_auroc(target, right) > metrics.macro_auroc(target, wrong) + 0.01
    assert metrics.log_loss(target, right) < metrics.log_loss(target, wrong)


def test_no_validation_case_is_refused() -> None:
    with pytest.raises(DataError, match="needs validation cases"):
        fit_temperature(np.empty((0, 3)), np.empty(0, dtype=np.int64))


def test_a_case_whose_class_is_ruled_out_says_nothing_about_the_temperature() -> None:
    target, log_probs = drawn(3, n=200)
    ruled_out = np.vstack([log_probs, [[0.0, -np.inf, -1.0]]])
    with_it = fit_temperature(ruled_out, np.append(target, 1))
    assert with_it == pytest.approx(fit_temperature(log_probs, target))


def test_a_row_of_nan_stays_one() -> None:
    log_probs = np.log([[0.9, 0.1], [np.nan, np.nan]])
    # √.9 / (√.9 + √.1) = .75
    assert at_temperature(log_probs, 2.0)[0] == pytest.approx([0.75, 0.25])
    assert np.isnan(at_temperature(log_probs, 2.0)[1]).all()


def test_a_tensor_gets_the_numbers_of_an_array_and_a_gradient() -> None:
    _, log_probs = drawn(4, n=50)
    tensor = torch.tensor(log_probs, requires_grad=True)
    calibrated = at_temperature(tensor, 1.7)
    assert calibrated.detach().numpy() == pytest.approx(at_temperature(log_probs, 1.7), rel=1e-12)
    calibrated[:, 0].sum().backward()
    assert tensor.grad is not None
    assert bool(tensor.grad.isfinite().all())
