"""What is kept of the photos of many patients to tell whether new ones look alike: a mean and a covariance.

The vector that the image encoder makes of a photo is put through random Fourier features, (cos ωx/σ, sin ωx/σ) for 32
random directions ω (Rahimi & Recht, *Random features for large-scale kernel machines*, NIPS 2007). Their mean stands
for the whole distribution as a Gaussian kernel sees it, so that a difference of two means, weighed by their covariance,
tests whether the distributions differ (Chwialkowski et al., *Fast two-sample testing with analytic representations of
probability measures*, NIPS 2015). No photo and no vector of one is kept.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist

from mmskin.evaluation.metrics import Floats

DIRECTIONS = 32  # 64 numbers a photo: a few hundred patients are enough for their covariance
SEED = 0  # of the directions: the same for every model, so that a sketch needs no more than its width


def bandwidth_of(vectors: Floats) -> float:
    """σ: the median distance between two of the vectors (N, D); 1 where all are the same."""
    return float(np.median(pdist(vectors))) or 1.0


def sketched(vectors: Floats, *, bandwidth: float) -> Floats:
    """(N, 64) random Fourier features of vectors (N, D)."""
    directions = np.random.default_rng(SEED).standard_normal((vectors.shape[1], DIRECTIONS))
    angles = vectors @ directions / bandwidth
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
