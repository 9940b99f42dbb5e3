"""Probabilities under another prior: what was learned with classes weighed alike, stated for the shares of a clinic.

`mmskin.trained.class_calibration` brings the answers to the shares of the rows that it is fitted to, whatever the loss
was. From there Bayes' rule leads to any other shares, and expectation maximisation finds those of cases without labels
(Saerens et al., *Adjusting the outputs of a classifier to new a priori probabilities*, Neural Computation 2002).
"""

from __future__ import annotations

import numpy as np

from mmskin.evaluation.metrics import Floats

MAX_STEPS = 10_000
CLOSE_ENOUGH = 1e-9


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
