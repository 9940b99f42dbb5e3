"""What can be known at best: exact posteriors and ceilings of the synthetic clinic, by summing its joint table.

They are ceilings given the latents. A photo can tell no more than its latents; how well a photo lets them be read is
the affair of `photo.py`, and measured in its tests.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmskin.errors import ConfigError, one_of
from mmskin.synthetic.latents import NOT_SEEN, ClinicDesign, Floats, Ints


class Ceiling(NamedTuple):
    """The best that a rule can score, each metric under its own best rule.

    accuracy: under argmax p(y | ·).
    balanced_accuracy: under argmax p(y | ·) / π(y), which maximises the mean of the classes' recalls.
    """

    accuracy: float
    balanced_accuracy: float


def posterior(
    design: ClinicDesign, *, photo: Ints | None = None, history: Ints | None = None, extra: Floats | None = None
) -> Floats:
    """p(y | what was seen), everything else summed out.

    Args:
        design: the tables.
        photo: (N, P) values, `NOT_SEEN` where an attribute is not seen; None: no photo.
        history: (N, H) values, `NOT_SEEN` where a field is not recorded; None: no history.
        extra: (N, C) likelihood of whatever else was seen and is independent of the latents given the class, such as
            a planted mark or a block of fields missing by class.

    Returns:
        (N, C), rows summing to 1.

    Raises:
        ConfigError: neither a photo nor a history, or shapes that do not fit the design.
    """
    given = [part for part in (photo, history) if part is not None]
    if not given:
        raise ConfigError("posterior needs a photo, a history or both; with neither it is the prior")
    n = len(given[0])
    nothing = [np.full((n, len(part)), NOT_SEEN) for part in (design.photo, design.history)]
    seen = np.concatenate([nothing[0] if photo is None else photo, nothing[1] if history is None else history], axis=1)
    if seen.shape[1] != len(design.attributes):
        raise ConfigError(
            f"expected {len(design.photo)} photo and {len(design.history)} history columns, in their order"
        )
    mass = np.empty((n, len(design.classes)))
    patterns, which = np.unique(seen == NOT_SEEN, axis=0, return_inverse=True)
    for i, hidden in enumerate(patterns):
        rows = which.ravel() == i
        margin = design.joint.sum(axis=tuple(np.flatnonzero(hidden) + 1))
        mass[rows] = margin[(slice(None), *seen[rows][:, ~hidden].T)].T
    if extra is not None:
        mass = mass * extra
    return np.asarray(mass / mass.sum(axis=1, keepdims=True), dtype=np.float64)


def product_of_experts(design: ClinicDesign, experts: Sequence[Floats]) -> Floats:
    """Late fusion at weights 1: π^(1−M) · Π p_m, normalised. Exactly Bayes where there is no interaction.

    Args:
        design: gives the prior π.
        experts: M posteriors of shape (N, C), each of one modality.

    Returns:
        (N, C), rows summing to 1.
    """
    prior = np.array(design.prior)
    mass = prior * np.prod([expert / prior for expert in experts], axis=0)
    return np.asarray(mass / mass.sum(axis=1, keepdims=True), dtype=np.float64)


def ceiling(design: ClinicDesign, *, seen: Collection[str]) -> Ceiling:
    """The exact ceiling of any classifier that sees these attributes, over all cases there can be.

    Raises:
        ConfigError: a name is no attribute of the design.
    """
    for name in seen:
        if name not in design.attributes:
            raise ConfigError(one_of("attribute", name, design.attributes))
    unseen = tuple(axis for axis, name in enumerate(design.attributes, start=1) if name not in seen)
    mass = design.joint.sum(axis=unseen).reshape(len(design.classes), -1).T
    return _expected(mass, mass=mass, prior=np.array(design.prior))


def late_ceiling(design: ClinicDesign) -> Ceiling:
    """The exact score of the product of the photo expert and the history expert, over all cases there can be."""
    photos, histories = prod(design.sizes[: len(design.photo)]), prod(design.sizes[len(design.photo) :])
    mass = design.joint.reshape(-1, photos, histories)
    photo, history = mass.sum(axis=2).T, mass.sum(axis=1).T
    fused = (photo[:, None] * history[None]).reshape(photos * histories, -1) / np.array(design.prior)
    return _expected(fused, mass=mass.reshape(len(design.classes), -1).T, prior=np.array(design.prior))


def sample_ceiling(design: ClinicDesign, probs: Floats, target: Ints) -> Ceiling:
    """What posteriors score on given cases: the oracle that an arm is paired with, on the same cases.

    Args:
        design: gives the prior of the balanced rule.
        probs: (N, C) posteriors.
        target: (N,) int64. A class without a case does not count in the balanced accuracy.
    """
    counts = np.bincount(target, minlength=len(design.classes))
    won = np.eye(len(design.classes))[target]
    accuracy = float((_winners(probs) * won).sum(axis=1).mean())
    recalled = (_winners(probs / np.array(design.prior)) * won).sum(axis=0)
    return Ceiling(accuracy, float((recalled[counts > 0] / counts[counts > 0]).mean()))


def _expected(scores: Floats, *, mass: Floats, prior: Floats) -> Ceiling:
    """The score of a rule over cells: (M, C) scores, any positive multiple of p(y | cell), and (M, C) p(y, cell)."""
    accuracy = float((_winners(scores) * mass).sum())
    balanced = float((_winners(scores / prior) * mass / prior).sum() / len(prior))
    return Ceiling(accuracy, balanced)


def _winners(scores: Floats) -> NDArray[np.float64]:
    """(M, C) chance that each class is answered: argmax, ties drawn by lot.

    Classes of an interacting pair tie exactly in theory and by rounding errors in practice, hence the tolerance.
    """
    best = scores >= scores.max(axis=1, keepdims=True) * (1 - 1e-9)
    return np.asarray(best / best.sum(axis=1, keepdims=True), dtype=np.float64)
