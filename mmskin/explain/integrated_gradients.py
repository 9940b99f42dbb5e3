"""Integrated gradients: what each input gave, along the straight way from nothing to the input.

    a_i = (x_i − x'_i) · ∫₀¹ ∂score/∂x_i (x' + α (x − x')) dα

Sundararajan et al., *Axiomatic attribution for deep networks*, ICML 2017, equation 1. They add up to score(x) −
score(x'); how far the sum is off tells how well the integral was taken, and more steps are taken until it is near
enough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from mmskin.errors import UserError

STEPS = (24, 48, 96, 192, 384)  # of eight cases of MiniLM on PAD-UFES-20, 16 were enough for two, 24 for all
ROWS = 64  # in one batch, for the sake of memory
MOST_ERROR = 0.01  # of the difference that is explained,
LEAST_DIFFERENCE = 0.05  # or of this many, where the difference is smaller


class Integrated(NamedTuple):
    """attributions: of the input's shape; score, baseline_score: at both ends; steps: gradients taken."""

    attributions: Tensor
    score: float
    baseline_score: float
    steps: int


def bound(difference: float) -> float:
    """How far attributions may be off adding up to a difference of scores: 1 % of it, or of .05 if that is more."""
    return MOST_ERROR * max(abs(difference), LEAST_DIFFERENCE)


def integrated_gradients(score: Callable[[Tensor], Tensor], inputs: Tensor, baseline: Tensor) -> Integrated:
    """The attributions of one input, by Gauss-Legendre quadrature (captum).

    Args:
        score: (N, …) → (N,), differentiable; each row's score may depend on that row only.
        inputs: (…), float.
        baseline: (…), what stands for nothing.

    Returns:
        Attributions with the fewest steps of 24, 48, … 384 at which they are off by no more than `bound`; those of 384
        if none is, which a caller sees from their sum.

    Raises:
        UserError: captum is not installed.
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError:
        raise UserError('integrated gradients need captum: pip install "mmskin[explain]"') from None
    start, end = baseline.detach()[None], inputs.detach()[None]
    with torch.no_grad():
        baseline_score, end_score = (float(value) for value in score(torch.cat([start, end])))
    # Autograd refuses a score that does not depend on the input at all; this term makes its gradient 0.
    method = IntegratedGradients(lambda rows: score(rows) + 0 * rows.flatten(1).sum(1))
    for steps in STEPS:
        # captum asks a leaf that requires a gradient, and gives one that is no part of any graph.
        leaf = end.clone().requires_grad_()
        attributions = method.attribute(leaf, start, n_steps=steps, internal_batch_size=ROWS)[0].detach()
        off = float(attributions.double().sum()) - (end_score - baseline_score)
        if abs(off) <= bound(end_score - baseline_score):
            break
    return Integrated(attributions, end_score, baseline_score, steps)
