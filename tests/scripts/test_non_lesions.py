from __future__ import annotations

import non_lesions as script
import numpy as np
import pytest
import torch
from non_lesion_pictures import DESIGN, HELD_OUT, centre, drawn, packaged, plain_corner, tiled

from mmskin.trained.familiarity import fit_familiarity


def test_the_interval_of_a_share_by_hand() -> None:
    """None of 20: from 0 to 1 − .025^(1/20) = .1684; all of 20 the mirror image."""
    none, every = script.share(np.zeros(20, dtype=bool)), script.share(np.ones(20, dtype=bool))
    assert (none["share"], none["low"], none["high"]) == pytest.approx((0, 0, 0.16843), abs=1e-5)
    assert (every["share"], every["low"], every["high"]) == pytest.approx((1, 1 - 0.16843, 1), abs=1e-5)


def test_pictures_are_the_same_with_the_same_seed_and_others_with_another() -> None:
    makers = {**DESIGN, **HELD_OUT}
    first, again, other = (drawn(makers, each=2, seed=seed) for seed in (3, 3, 4))
    for kind, pictures in first.items():
        assert all(torch.equal(one, two) for one, two in zip(pictures, again[kind], strict=True))
        assert not torch.equal(pictures[0], pictures[1])
        assert not torch.equal(pictures[0], other[kind][0])
        assert pictures[0].dtype == torch.uint8
        assert pictures[0].shape == (3, 256, 256)


def test_packages_bring_scans_without_colour_and_pictures_with() -> None:
    pictures = packaged()
    assert len(pictures["CT and MR"]) == 32
    assert all((scan == scan[:1]).all() for scan in pictures["CT and MR"])
    assert len(pictures["scikit-image"]) >= 60


def test_a_corner_is_taken_only_where_the_lesion_is_not() -> None:
    photo = torch.full((3, 90, 90), 180, dtype=torch.uint8)
    photo[:, 30:, 30:] = 60
    corner = plain_corner(photo)
    assert corner is not None
    assert (corner == 180).all()
    assert plain_corner(torch.full((3, 90, 90), 180, dtype=torch.uint8)) is None
    assert (centre(photo) == 60).all()
    assert tiled(corner).shape == photo.shape


def test_a_picture_made_of_a_photo_is_judged_by_the_fold_that_tests_the_photo() -> None:
    """Vectors of 50 are unlike what the first two models have learned, and like what the other three have."""
    rng = np.random.default_rng(0)
    target = np.arange(40) % 2

    def model(at: float) -> script.Remembered:
        fit = fit_familiarity(at + rng.normal(size=(40, 3)), target, num_classes=2)
        return script.Remembered(fit.with_thresholds(fit.distances(at + 1.5 * rng.normal(size=(200, 3)))))

    by_fold = [model(0), model(0), model(50), model(50), model(50)]
    gates = np.zeros((2, len(script.GATES)), dtype=bool)
    shown = script.Seen(gates, np.full((2, 3), 50.0))
    folds = np.array([3, 0, 1])
    assert list(script.warned(shown._replace(of=np.array([0, 2])), folds, by_fold)[:, -1]) == [False, True]
    assert list(script.warned(shown, folds, by_fold)[:, -1]) == [False, False]
    assert list(script.warned(shown._replace(gates=~gates), folds, by_fold)[:, -1]) == [True, True]
