from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmskin.errors import DataError
from mmskin.evaluation import metrics
from mmskin.evaluation.calibration import apply_temperature, calibrate, fit_temperature, reliability_bins
from mmskin.evaluation.predictions import check_predictions, probabilities


def drawn(seed: int, *, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Targets drawn from the probabilities themselves, which are therefore calibrated."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet([0.8, 0.8, 0.8], size=n)
    target = (rng.random((n, 1)) > probs.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return target, probs


def test_the_temperature_that_was_applied_is_found():
    target, probs = drawn(0)
    spoilt = apply_temperature(probs, temperature=0.4)
    assert fit_temperature(spoilt, target) == pytest.approx(2.5, rel=0.08)  # 4,000 draws
    assert fit_temperature(probs, target) == pytest.approx(1, rel=0.08)


def test_the_temperature_is_the_inverse_of_the_calibration_slope():
    target, probs = drawn(1, n=300)
    slope = metrics.calibration_slope(target, probs)
    assert fit_temperature(probs, target) == pytest.approx(1 / slope, rel=1e-3)


def test_a_fitted_temperature_lowers_the_log_loss_and_keeps_the_order():
    target, probs = drawn(2, n=300)
    spoilt = apply_temperature(probs, temperature=0.3)
    mended = apply_temperature(spoilt, temperature=fit_temperature(spoilt, target))
    assert metrics.log_loss(target, mended) < metrics.log_loss(target, spoilt)
    assert (mended.argsort(axis=1) == spoilt.argsort(axis=1)).all()


def test_temperature_by_hand():
    # Odds 3:1 at T = 2 are sqrt(3):1.
    assert apply_temperature(np.array([[0.75, 0.25]]), temperature=2)[0, 0] == pytest.approx(3**0.5 / (3**0.5 + 1))
    assert apply_temperature(np.array([[1.0, 0.0]]), temperature=1) == pytest.approx(np.array([[1.0, 0.0]]))


def test_no_validation_case_is_refused():
    with pytest.raises(DataError, match="needs validation cases"):
        fit_temperature(np.empty((0, 3)), np.empty(0, dtype=np.int64))


def test_each_model_gets_the_temperature_of_its_own_validation_rows(make_predictions):
    test = make_predictions(n=300, folds=2)
    parts = []
    for fold, temperature in ((0, 0.25), (1, 1.0)):
        val = make_predictions(n=301, skill=2.0, rng_seed=fold)
        val = val.assign(fold=fold, split="val", case_id="v" + val["case_id"], patient_id="v" + val["patient_id"])
        model = pd.concat([val, test[test["fold"] == fold]])
        columns = [column for column in model if column.startswith("prob_")]
        model[columns] = apply_temperature(model[columns].to_numpy(), temperature=temperature)
        parts.append(model)
    table = check_predictions(pd.concat(parts, ignore_index=True)).sample(frac=1, random_state=0)
    mended, fitted = calibrate(table)
    check_predictions(mended)
    assert list(mended["case_id"]) == list(table["case_id"])
    by_fold = fitted.set_index("fold")
    assert list(by_fold["n"]) == [301, 301]
    assert by_fold.loc[0, "temperature"] > 2.5 * by_fold.loc[1, "temperature"]
    for fold in (0, 1):
        rows = (table["fold"] == fold).to_numpy()
        expected = apply_temperature(probabilities(table[rows]), temperature=by_fold.loc[fold, "temperature"])
        assert probabilities(mended[rows]) == pytest.approx(expected)


def test_a_model_without_validation_rows_is_named(make_predictions):
    with pytest.raises(DataError, match="arm 'image', fold 0, seed 0 has no validation rows"):
        calibrate(make_predictions(folds=1))


def test_bins_hold_every_case_and_give_the_ece():
    target, probs = drawn(3, n=500)
    bins = reliability_bins(target, probs)
    assert bins["n"].sum() == 500
    some = bins[bins["n"] > 0]
    assert bins.loc[bins["n"] == 0, "accuracy"].isna().all()
    gap = (some["n"] * (some["accuracy"] - some["confidence"]).abs()).sum() / 500
    assert gap == pytest.approx(metrics.ece(target, probs))
