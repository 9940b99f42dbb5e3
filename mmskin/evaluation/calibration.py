"""Temperature, fitted on validation rows, and the bins of a reliability diagram."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from mmskin.errors import DataError
from mmskin.evaluation.metrics import ECE_BINS, Floats, Ints, confidence_bin, log_loss, log_probs
from mmskin.evaluation.predictions import PROB, class_names, probabilities, target_codes

MAX_TEMPERATURE = 100.0  # beyond it softmax(log p / T) is uniform for all purposes; below 1/100 it is the argmax


def apply_temperature(probs: Floats, *, temperature: float) -> Floats:
    """softmax(log p / T), (N, C). T = 1 changes nothing; the order of the classes of a case never changes."""
    scaled = log_probs(probs) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    calibrated: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return calibrated


def fit_temperature(probs: Floats, target: Ints) -> float:
    """The temperature that minimises the log-loss of softmax(log p / T) (Guo et al. 2017, section 4.2).

    log p serves as logits: it differs from them by a constant per case, which the softmax removes. The loss is convex
    in 1/T, so it has one minimum over log T.

    Args:
        probs: (N, C), of validation cases.
        target: (N,), class codes.

    Returns:
        T in [1/100, 100]; at an end where no minimum lies between, such as when every answer is right.

    Raises:
        DataError: no case to fit to.
    """
    if len(target) == 0:
        raise DataError("a temperature needs validation cases with a known class, however: 0 cases")
    bound = np.log(MAX_TEMPERATURE)
    found = minimize_scalar(
        lambda log_t: float(log_loss(target, apply_temperature(probs, temperature=float(np.exp(log_t))))),
        bounds=(-bound, bound),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def calibrate(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every model of a predictions table (one arm, fold and seed) by the temperature of its own validation rows.

    Returns:
        The table with calibrated prob_ columns, rows in their order; and one row per model: arm, fold, seed,
        temperature, n validation cases.

    Raises:
        DataError: a model without validation rows.
    """
    columns = [PROB + name for name in class_names(table)]
    calibrated = probabilities(table)
    fitted = []
    positions = pd.Series(np.arange(len(table)), index=table.index)
    for (arm, fold, seed), rows in table.groupby(["arm", "fold", "seed"], sort=False):
        val = rows[rows["split"] == "val"]
        if val.empty:
            raise DataError(f"arm {arm!r}, fold {fold}, seed {seed} has no validation rows to fit a temperature to")
        temperature = fit_temperature(probabilities(val), target_codes(val))
        calibrated[positions[rows.index]] = apply_temperature(probabilities(rows), temperature=temperature)
        fitted.append({"arm": arm, "fold": fold, "seed": seed, "temperature": temperature, "n": len(val)})
    result = table.copy()
    result[columns] = calibrated
    return result, pd.DataFrame(fitted)


def reliability_bins(target: Ints, probs: Floats, *, bins: int = ECE_BINS) -> pd.DataFrame:
    """The answers by confidence: low, high, n, confidence, accuracy per bin; empty bins have n = 0 and NaN.

    The same bins as `metrics.ece`, which is the mean of |accuracy - confidence| weighted by n.
    """
    confidence = probs.max(axis=1)
    of_bin = confidence_bin(confidence, bins=bins)
    n = np.bincount(of_bin, minlength=bins)
    right = np.bincount(of_bin, weights=probs.argmax(axis=1) == target, minlength=bins)
    summed = np.bincount(of_bin, weights=confidence, minlength=bins)
    some = np.where(n > 0, n, np.nan)
    edges = np.linspace(0, 1, bins + 1)
    return pd.DataFrame(
        {"low": edges[:-1], "high": edges[1:], "n": n, "confidence": summed / some, "accuracy": right / some}
    )
