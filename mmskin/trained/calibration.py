"""Temperature scaling: fitted on validation rows, applied to every answer. Nothing is calibrated elsewhere.

It works on logarithms all the way: a probability that was clipped, or rounded to 0, before a temperature flattens it
has lost its place in the order of the cases for good.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax
from torch import Tensor

from mmskin.errors import DataError
from mmskin.evaluation.metrics import Floats, Ints

MAX_TEMPERATURE = 100.0  # beyond it softmax(log p / T) is uniform for all purposes; below 1/100 it is the argmax

Logarithms = TypeVar("Logarithms", Floats, Tensor)


def at_temperature(log_probs: Logarithms, temperature: float) -> Logarithms:
    """(N, C) probabilities softmax(log p / T): softer for T > 1, p at T = 1; a case's classes keep their order.

    Of a tensor it can be differentiated. A row of NaN stays one.

    Args:
        log_probs: (N, C), logits or log-probabilities, float64 where small ones matter; −inf for a class ruled out.
        temperature: above 0.
    """
    scaled = log_probs / temperature
    if isinstance(scaled, Tensor):
        return scaled.softmax(dim=-1)
    return np.asarray(softmax(scaled, axis=-1))


def fit_temperature(log_probs: Floats, target: Ints) -> float:
    """The temperature that minimises the log-loss of softmax(log p / T) (Guo et al. 2017, section 4.2).

    log p serves as logits: it differs from them by a constant per case, which the softmax removes. The loss is convex
    in 1/T, so it has one minimum over log T. A case whose true class is ruled out is wrong at every temperature and
    tells nothing about it: it is left out.

    Args:
        log_probs: (N, C), of validation cases; −inf for a class ruled out.
        target: (N,), class codes.

    Returns:
        T in [1/100, 100]; at an end where no minimum lies between, such as when every answer is right.

    Raises:
        DataError: no case to fit to.
    """
    possible = np.isfinite(np.take_along_axis(log_probs, target[:, None], axis=1)[:, 0])
    logs, own = log_probs[possible], target[possible, None]
    if len(logs) == 0:
        raise DataError("a temperature needs validation cases with a known class, however: 0 cases")

    def loss(log_t: float) -> float:
        return -float(np.take_along_axis(log_softmax(logs / np.exp(log_t), axis=1), own, axis=1).mean())

    bound = np.log(MAX_TEMPERATURE)
    found = minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def log_of_mean(log_probs: Sequence[Logarithms]) -> Logarithms:
    """log of the mean of probabilities, (N, C) each, from their logarithms; of one, itself."""
    first = log_probs[0]
    if len(log_probs) == 1:
        return first
    count = math.log(len(log_probs))
    if isinstance(first, Tensor):
        return torch.logsumexp(torch.stack(list(log_probs)), dim=0) - count
    return np.asarray(logsumexp(np.stack(log_probs), axis=0) - count)


def log_of(probs: Floats) -> Floats:
    """log p of probabilities that come without logits; −inf where p is 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probs))
