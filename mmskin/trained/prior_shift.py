"""Probabilities under another prior: what was learned with classes weighed alike, stated for the shares of a clinic.

A class-balanced loss answers as if classes were about equally frequent. Bias-corrected temperature scaling brings the
answers to the shares of the rows that it is fitted to, whatever the loss was (BCTS; Alexandari et al., *Maximum
likelihood with bias-corrected calibration is hard-to-beat at label shift adaptation*, ICML 2020). From there Bayes'
rule leads to any other shares, and expectation maximisation finds those of cases without labels (Saerens et al.,
*Adjusting the outputs of a classifier to new a priori probabilities*, Neural Computation 2002).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from mmskin.errors import DataError
from mmskin.evaluation.metrics import Floats, Ints

MAX_STEPS = 10_000
CLOSE_ENOUGH = 1e-9


class BiasCorrected(NamedTuple):
    """Answers softmax(log p / T + b), and the shares of the rows to which T and b were fitted.

    temperature: above 0. bias: (C,), sums to 0. prior: (C,), sums to 1.
    """

    temperature: float
    bias: Floats
    prior: Floats

    def probabilities(self, log_probs: Floats) -> Floats:
        """(N, C) under the prior of the fitted rows.

        Args:
            log_probs: (N, C); −inf for a class ruled out, which stays so.
        """
        return np.asarray(softmax(log_probs / self.temperature + self.bias, axis=1))


def fit_bias_corrected(log_probs: Floats, target: Ints) -> BiasCorrected:
    """Temperature and biases of least log-loss, and half a square of each bias beside it.

    The square keeps the bias of a class finite that no row has; where a class has dozens it is nothing. A row whose
    true class is ruled out says nothing and is left out.

    Args:
        log_probs: (N, C), of validation cases.
        target: (N,), class codes.

    Raises:
        DataError: no case to fit to.
    """
    possible = np.isfinite(np.take_along_axis(log_probs, target[:, None], axis=1)[:, 0])
    logs, own, classes = log_probs[possible], target[possible], log_probs.shape[1]
    if len(logs) == 0:
        raise DataError("a prior needs validation cases with a known class, however: 0 cases")
    rows = np.arange(len(logs))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slope, bias = np.exp(-parameters[0]), parameters[1:]
        log_probs_now = log_softmax(slope * logs + bias, axis=1)
        wrong = np.exp(log_probs_now)
        wrong[rows, own] -= 1
        finite = np.where(np.isfinite(logs), logs, 0.0)
        gradient = np.concatenate([[-slope * (wrong * finite).sum()], wrong.sum(axis=0) + bias])
        return float(-log_probs_now[rows, own].sum() + 0.5 * bias @ bias), gradient

    found = minimize(
        loss, np.zeros(1 + classes), jac=True, method="L-BFGS-B", bounds=[(-5, 5), *[(None, None)] * classes]
    )
    counts = np.bincount(own, minlength=classes)
    bias = found.x[1:] - found.x[1:].mean()
    return BiasCorrected(float(np.exp(found.x[0])), bias, (counts + 0.5) / (counts + 0.5).sum())


def restated(probs: Floats, *, of: Floats, to: Floats) -> Floats:
    """(N, C) p(y|x) to(y) / of(y), normalised: Bayes' rule where classes have other shares and look as before.

    Args:
        probs: (N, C) under the prior `of`.
        of: (C,), above 0.
        to: (C,).
    """
    weighed = probs * (to / of)
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True))


def estimated_prior(probs: Floats, *, of: Floats) -> Floats:
    """(C,) the shares of unlabelled cases, by expectation maximisation from the prior `of` their answers are under.

    One case a class is added with the shares of before (a Dirichlet prior): a few cases, or answers that hardly differ,
    would else say that a class does not exist, which no later evidence could mend.
    """
    prior, (cases, classes) = np.asarray(of), probs.shape
    for _ in range(MAX_STEPS):
        better = (restated(probs, of=of, to=prior).sum(axis=0) + classes * of) / (cases + classes)
        if np.abs(better - prior).max() < CLOSE_ENOUGH:
            break
        prior = better
    return prior
