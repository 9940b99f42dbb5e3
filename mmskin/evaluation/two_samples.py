"""Whether new patients are like those of before, from counts, means and covariances alone: nobody's row is kept.

Each test compares two samples in which every patient stands once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import fdtrc
from scipy.stats import chi2_contingency

from mmskin.evaluation.metrics import Floats, Ints

EXPECTED = 5  # cases in a cell from which the chi-square distribution holds (Cochran 1954)


class Moments(NamedTuple):
    """Of n vectors of width D: mean (D,), covariance (D, D) with n − 1 below it."""

    n: int
    mean: Floats
    covariance: Floats


def moments_of(rows: Floats) -> Moments:
    """Of the rows of (N, D); N is 2 or more."""
    return Moments(len(rows), rows.mean(axis=0), np.cov(rows, rowvar=False).reshape(rows.shape[1], rows.shape[1]))


def counts_differ(before: Ints, now: Ints) -> float:
    """p of the hypothesis that two rows of counts have the same shares (Pearson's chi-square).

    Categories that are too rare for the distribution to hold are counted together, the rarest first.

    Args:
        before: (K,), how many patients had each of K values.
        now: (K,), likewise.

    Returns:
        NaN where one sample is empty, 1 where only one category is left.
    """
    table = np.stack([before, now]).astype(np.float64)
    if not table.sum(axis=1).all():
        return float("nan")
    table = table[:, np.argsort(table.sum(axis=0), kind="stable")]
    smaller = table.sum(axis=1).min() / table.sum()
    while table.shape[1] > 1 and table[:, 0].sum() * smaller < EXPECTED:
        merged = np.concatenate([table[:, :2].sum(axis=1, keepdims=True), table[:, 2:]], axis=1)
        table = merged[:, np.argsort(merged.sum(axis=0), kind="stable")]
    return 1.0 if table.shape[1] < 2 else float(chi2_contingency(table, correction=False).pvalue)


def means_differ(before: Moments, now: Moments) -> float:
    """p of the hypothesis that two samples have the same mean (Hotelling 1931, two samples, one covariance).

        T² = nm/(n + m) d' S⁻¹ d,   (n + m − D − 1) / ((n + m − 2) D) T² ~ F(D, n + m − D − 1)

    Exact for normal vectors; others come near it as samples grow. Of features that say all about a distribution this
    is a test of the distributions: see `mmskin.trained.photo_sketch`.

    Returns:
        NaN where there are fewer patients than the covariance has dimensions.
    """
    n, m, width = before.n, now.n, len(before.mean)
    freedom = n + m - width - 1
    if min(n, m) < 2 or freedom < 1:
        return float("nan")
    pooled = ((n - 1) * before.covariance + (m - 1) * now.covariance) / (n + m - 2)
    apart = now.mean - before.mean
    squared = n * m / (n + m) * float(apart @ np.linalg.pinv(pooled, hermitian=True) @ apart)
    return float(fdtrc(width, freedom, freedom / ((n + m - 2) * width) * squared))
