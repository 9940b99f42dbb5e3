"""Random Fourier features against the kernel they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from mmskin.evaluation.two_samples import means_differ, moments_of
from mmskin.trained.photo_sketch import DIRECTIONS, bandwidth_of, sketched


def test_their_product_is_the_gaussian_kernel_on_average_over_directions() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 5))
    features = sketched(vectors, bandwidth=3.0)
    kernel = np.exp(-((vectors[:, None] - vectors[None]) ** 2).sum(-1) / (2 * 9))
    assert np.abs(features @ features.T / DIRECTIONS - kernel).mean() < 0.1  # 32 directions


def test_the_bandwidth_is_the_median_distance_and_never_0() -> None:
    assert bandwidth_of(np.array([[0.0], [1.0], [3.0]])) == pytest.approx(2)
    assert bandwidth_of(np.zeros((4, 2))) == 1


def test_a_difference_of_spread_alone_is_seen() -> None:
    rng = np.random.default_rng(0)
    before, wider = rng.normal(size=(250, 40)), 1.4 * rng.normal(size=(200, 40))
    bandwidth = bandwidth_of(before)
    one, other = (moments_of(sketched(of, bandwidth=bandwidth)) for of in (before, wider))
    assert means_differ(one, other) < 1e-6
