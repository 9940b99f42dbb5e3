"""Temperature scaling: fitted on validation rows, applied to every answer. Nothing is calibrated elsewhere."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from mmskin.errors import DataError
from mmskin.evaluation.metrics import Floats, Ints, log_loss

MAX_TEMPERATURE = 100.0  # beyond it softmax(log p / T) is uniform for all purposes; below 1/100 it is the argmax
SMALLEST_PROBABILITY = 1e-12

Probabilities = TypeVar("Probabilities", Floats, Tensor)


def apply_temperature(probs: Probabilities, temperature: float) -> Probabilities:
    """softmax(log p / T), (N, C): softer for T > 1, the same for T = 1; the order of a case's classes never changes.

    Of a tensor it can be differentiated. A row of NaN stays one.
    """
    if temperature == 1:
        return probs
    xp = torch if isinstance(probs, Tensor) else np  # both spell these functions alike
    scaled = xp.log(xp.clip(probs, SMALLEST_PROBABILITY, None)) / temperature
    powers = xp.exp(scaled - xp.amax(scaled, axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


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
        lambda log_t: float(log_loss(target, apply_temperature(probs, float(np.exp(log_t))))),
        bounds=(-bound, bound),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))
