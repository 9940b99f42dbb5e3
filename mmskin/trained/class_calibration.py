"""Answers brought to the shares of the rows that they are fitted to: temperature, a bias a class, a slope a class.

A class-balanced loss answers as if classes were about equally frequent, so its probabilities are no frequencies, and no
temperature makes them so: it takes a bias for each class. Three methods, each with the parameters of the one before:

- temperature: softmax(log p / T) (Guo et al., *On calibration of modern neural networks*, ICML 2017, section 4.2);
- bias_corrected: softmax(log p / T + b) (BCTS; Alexandari et al., *Maximum likelihood with bias-corrected calibration
  is hard-to-beat at label shift adaptation*, ICML 2020);
- vector: softmax(s ∘ log p + b), a slope for each class (Guo et al., section 4.2).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from torch import Tensor

from mmskin.errors import DataError
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.trained.calibration import Logarithms

Method = Literal["temperature", "bias_corrected", "vector"]
METHODS: tuple[Method, ...] = ("temperature", "bias_corrected", "vector")
SLOPE_SD = 0.25  # of log s around the common slope: ten cases of a class move it little, hundreds as they need


class ClassCalibration(NamedTuple):
    """Answers softmax(s ∘ log p + b), and the shares of the rows to which s and b were fitted.

    slopes: (C,), above 0, all alike but for the method `vector`. bias: (C,), sums to 0. prior: (C,), sums to 1.
    """

    slopes: Floats
    bias: Floats
    prior: Floats

    @property
    def temperature(self) -> float:
        """1 / slope, of the geometric mean where slopes differ."""
        return float(np.exp(-np.log(self.slopes).mean()))

    def probabilities(self, log_probs: Logarithms) -> Logarithms:
        """(N, C) under the prior of the fitted rows; of a tensor it can be differentiated.

        Args:
            log_probs: (N, C), log p of rows that sum to 1; −inf for a class ruled out, which stays so.
        """
        if isinstance(log_probs, Tensor):
            slopes, bias = (torch.as_tensor(of, dtype=log_probs.dtype) for of in (self.slopes, self.bias))
            return (slopes * log_probs + bias).softmax(dim=-1)
        return np.asarray(softmax(self.slopes * log_probs + self.bias, axis=1))


def fit_class_calibration(log_probs: Floats, target: Ints, *, method: Method = "bias_corrected") -> ClassCalibration:
    """The parameters of least log-loss, with half a square of each bias and of each slope's distance beside it.

    The squares keep finite what belongs to a class that no row has; where a class has dozens they are nothing. A row
    whose true class is ruled out says nothing and is left out.

    Args:
        log_probs: (N, C), of validation cases; log p of rows that sum to 1.
        target: (N,), class codes.
        method: see the top of this file.

    Raises:
        DataError: no case to fit to.
    """
    possible = np.isfinite(np.take_along_axis(log_probs, target[:, None], axis=1)[:, 0])
    logs, own, classes = log_probs[possible], target[possible], log_probs.shape[1]
    if len(logs) == 0:
        raise DataError("a prior needs validation cases with a known class, however: 0 cases")
    rows = np.arange(len(logs))
    finite = np.where(np.isfinite(logs), logs, 0.0)
    free = {"temperature": 1, "bias_corrected": 1 + classes, "vector": 1 + 2 * classes}[method]

    def unpacked(parameters: Floats) -> tuple[Floats, Floats, Floats]:
        """Slopes, biases, and by how much the log of each slope differs from the common one."""
        every = np.concatenate([parameters, np.zeros(1 + 2 * classes - free)])
        apart = every[1 + classes :]
        return np.exp(apart - every[0]), every[1 : 1 + classes], apart

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slopes, bias, apart = unpacked(parameters)
        now = log_softmax(slopes * logs + bias, axis=1)
        wrong = np.exp(now)
        wrong[rows, own] -= 1
        by_slope = slopes * (wrong * finite).sum(axis=0)
        gradient = np.concatenate([[-by_slope.sum()], wrong.sum(axis=0) + bias, by_slope + apart / SLOPE_SD**2])
        penalty = 0.5 * bias @ bias + 0.5 * apart @ apart / SLOPE_SD**2
        return float(-now[rows, own].sum() + penalty), gradient[:free]

    bounds = [(-5, 5), *[(None, None)] * (free - 1)]
    found = minimize(loss, np.zeros(free), jac=True, method="L-BFGS-B", bounds=bounds)
    slopes, bias, _ = unpacked(found.x)
    counts = np.bincount(own, minlength=classes)
    return ClassCalibration(slopes, bias - bias.mean(), (counts + 0.5) / (counts + 0.5).sum())
