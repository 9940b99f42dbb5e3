"""Distances against scipy and scikit-learn, thresholds against the share of false alarms that they promise."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from mmskin.errors import DataError
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.trained.familiarity import AXES, REASONS, Familiarity, fit_familiarity, leaning

BY_HAND = Familiarity(
    photos=10,
    mean=(1, 1, 0),
    scale=(1, 2, 1),
    axes=((1, 0, 0), (0, 1, 0)),
    class_means=((0, 0), (4, 0)),
    covariance=((2, 0.5), (0.5, 1)),
)


def made(n: int, *, width: int = 30, seed: int = 0) -> tuple[Floats, Ints]:
    """Two classes of width 30 of which most varies along 3 directions."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, size=n)
    directions = np.random.default_rng(99).normal(size=(3, width))
    return rng.normal(size=(n, 3)) @ directions + 2 * target[:, None] + 0.3 * rng.normal(size=(n, width)), target


def test_the_three_distances_by_hand() -> None:
    """(2, 5, 4) − (1, 1, 0), over (1, 2, 1), is (1, 2, 4): (1, 2) along the axes, 4 outside, √21 long."""
    found = BY_HAND.distances(np.array([[2.0, 5.0, 4.0], [1.0, 1.0, 0.0]]))
    precision = np.linalg.inv([[2, 0.5], [0.5, 1]])
    nearest = min(mahalanobis([1, 2], mean, precision) for mean in ([0, 0], [4, 0]))
    assert found["nearest_class"] == pytest.approx([nearest, 0])
    assert found["outside"] == pytest.approx([4, 0])
    assert found["share_outside"] == pytest.approx([4 / np.sqrt(21), 0])


def test_what_is_fitted_is_what_scikit_learn_fits() -> None:
    vectors, target = made(200)
    familiarity = fit_familiarity(vectors, target, num_classes=2, axes=3)
    standard = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    axes = np.array(familiarity.axes)
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-4)
    along = standard @ axes.T
    assert np.cov(along.T, bias=True) == pytest.approx(
        np.diag(np.linalg.eigvalsh(np.cov(standard.T, bias=True))[:-4:-1]), abs=2e-3
    )
    means = np.stack([along[target == code].mean(axis=0) for code in (0, 1)])
    assert np.array(familiarity.class_means) == pytest.approx(means, abs=1e-3)
    expected = LedoitWolf(assume_centered=True).fit(along - means[target]).covariance_
    assert np.array(familiarity.covariance) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_a_channel_that_was_silent_in_training_tells_of_a_picture_that_wakes_it() -> None:
    vectors, target = made(200)
    vectors[:, 7] = 1e-3 * np.random.default_rng(1).normal(size=200)
    familiarity = fit_familiarity(vectors, target, num_classes=2, axes=3)
    familiarity = familiarity.with_thresholds(familiarity.distances(made(200, seed=1)[0] * ([1] * 7 + [0] + [1] * 22)))
    awake = vectors[:1].copy()
    awake[0, 7] = 1.0
    assert set(familiarity.unfamiliar(vectors[:1])[0]) == set()
    assert "outside" in familiarity.unfamiliar(awake)[0]


def test_a_channel_that_never_varied_has_a_scale_all_the_same() -> None:
    vectors, target = made(50)
    vectors[:, 7] = 3.0
    scale = np.array(fit_familiarity(vectors, target, num_classes=2).scale)
    assert scale[7] == pytest.approx(0.03 * np.median(np.delete(scale, 7)), rel=0.05)


def test_new_photos_are_unfamiliar_as_often_as_promised() -> None:
    """Mean over 200 draws of 199 validation photos; each has a standard deviation of √(.05 · .95 / 199) = .015."""
    familiarity = fit_familiarity(*made(400), num_classes=2, axes=3)
    new = familiarity.distances(made(20_000, seed=1)[0])
    shares = []
    for seed in range(200):
        fitted = familiarity.with_thresholds(familiarity.distances(made(199, seed=seed + 2)[0]))
        shares.append(np.any([new[name] > fitted.thresholds[name] for name in REASONS], axis=0).mean())
    assert np.mean(shares) == pytest.approx(0.05, abs=4 * 0.015 / np.sqrt(200) + 0.003)  # cuts move by up to 3 photos


def test_photos_that_are_flagged_otherwise_use_up_the_allowance() -> None:
    familiarity = fit_familiarity(*made(400), num_classes=2, axes=3)
    distances = familiarity.distances(made(99, seed=1)[0])
    for flagged, allowed in ((0, 5), (3, 2), (8, 0)):
        marked = np.arange(99) < flagged
        fitted = familiarity.with_thresholds(distances, flagged=marked)
        beyond = np.any([distances[name] > fitted.thresholds[name] for name in REASONS], axis=0)
        assert (beyond & ~marked).sum() <= allowed
        assert (beyond | marked).sum() >= min(5, flagged) - 2  # a step of the common rank takes up to three photos


def test_reasons_go_by_name_and_in_words() -> None:
    fitted = BY_HAND.model_copy(update={"thresholds": {"nearest_class": 10.0, "outside": 3.0, "share_outside": 0.99}})
    far = fitted.unfamiliar(np.array([[2.0, 5.0, 4.0], [1.0, 1.0, 0.0]]))
    assert far == [{"outside": "the photo shows much that the training photos do not show"}, {}]


def test_a_photo_of_another_kind_leans_to_it() -> None:
    """4 outside of the first two axes, 2 outside of the last two: log 4 − log 2."""
    other = BY_HAND.model_copy(update={"axes": ((0, 1, 0), (0, 0, 1)), "scale": (0.5, 1, 1)})
    photo = np.array([[2.0, 5.0, 4.0]])
    assert leaning(BY_HAND, other, photo) == pytest.approx([np.log(2)])
    assert leaning(other, BY_HAND, photo) == pytest.approx([-np.log(2)])
    assert np.isfinite(leaning(BY_HAND, BY_HAND, np.array([[1.0, 1.0, 0.0]]))).all()


def test_it_is_stored_as_json_and_holds_no_photo() -> None:
    """(axes + 2) · D numbers, and those along the axes, whatever the number of photos."""
    small, large = (fit_familiarity(*made(n, width=100), num_classes=2) for n in (100, 1000))
    again = Familiarity.model_validate_json(json.dumps(small.model_dump(mode="json")))
    assert again == small
    for fitted in (small, large):
        numbers = np.concatenate(
            [np.ravel(value) for value in fitted.model_dump(exclude={"photos", "thresholds"}).values()]
        )
        assert len(numbers) == (AXES + 2) * 100 + AXES * (2 + AXES)
    rows = made(100, width=100)[0]
    assert np.abs(np.array(small.axes)[:, None] - rows[None]).max(axis=2).min() > 0.1
    assert np.abs(np.array(small.mean) - rows).max(axis=1).min() > 0.1


def test_a_class_without_a_photo_is_left_out() -> None:
    vectors, target = made(60)
    fitted = fit_familiarity(vectors, target, num_classes=4)
    assert len(fitted.class_means) == 2
    assert fitted == fit_familiarity(vectors, target, num_classes=2)


def test_axes_are_no_more_than_photos_allow() -> None:
    vectors, target = made(12)
    assert len(fit_familiarity(vectors, target, num_classes=2).axes) == 10


def test_impossible_input_is_refused() -> None:
    vectors, target = made(60)
    fitted = fit_familiarity(vectors, target, num_classes=2)
    with pytest.raises(DataError, match=r"vectors must be \(N, 30\), however: \(60, 29\)"):
        fitted.distances(vectors[:, 1:])
    with pytest.raises(DataError, match="not finite"):
        fitted.distances(np.full((1, 30), np.nan))
    with pytest.raises(DataError, match="no thresholds are set"):
        fitted.unfamiliar(vectors)
    with pytest.raises(DataError, match=r"10 photos are too few for false alarms of 0\.05: 19 or more"):
        fitted.with_thresholds(fitted.distances(vectors[:10]))
    with pytest.raises(DataError, match=r"target must hold 60 class codes in \[0, 1\)"):
        fit_familiarity(vectors, target, num_classes=1)
    with pytest.raises(DataError, match="3 photos of 2 classes are too few"):
        fit_familiarity(vectors[:3], np.array([0, 1, 1]), num_classes=2)
    with pytest.raises(DataError, match="all vectors are the same"):
        fit_familiarity(np.ones((60, 4)), target, num_classes=2)
    with pytest.raises(DataError, match="axes must lie in 1 to 64, however: axes=65"):
        fit_familiarity(vectors, target, num_classes=2, axes=65)


def test_a_damaged_record_is_refused() -> None:
    content = BY_HAND.model_dump()
    for damage, what in (
        ({"scale": (1, 1)}, "as wide as the mean, 3"),
        ({"covariance": ((1, 0),)}, "as wide as there are axes, 2"),
        ({"thresholds": {"outside": 1.0}}, "thresholds must be those of nearest_class, outside, share_outside"),
        ({"mean": (1, 1, float("nan"))}, "finite"),
        ({"rows": ()}, "Extra inputs"),
    ):
        with pytest.raises(ValidationError, match=what):
            Familiarity.model_validate({**content, **damage})
