"""Whether a photo is like those a model was made with, by the vector that the image encoder makes of it.

Channels are standardised by the training photos, so that a channel which is almost silent on skin counts when a
picture wakes it: without this, white noise passes for skin (Mahalanobis distance in all 1,280 raw dimensions: AUROC
.59). The standardised vector is split into what lies along the few principal axes of the training photos and what lies
outside of them. Three distances come of it, each large for a picture that is unlike:

- `nearest_class`: along the axes, the Mahalanobis distance to the nearest class mean, one covariance within classes for
  all (Lee et al., *A simple unified framework for detecting out-of-distribution samples*, NeurIPS 2018, eq. 2), shrunk
  (Ledoit & Wolf, *A well-conditioned estimator for large-dimensional covariance matrices*, J. Multivar. Anal. 2004);
- `outside`: the length of what lies outside (the residual of Wang et al., *ViM: out-of-distribution with virtual-logit
  matching*, CVPR 2022, eq. 3, about the mean of the training photos);
- `share_outside`: that length as a share of the whole vector's, the sine of its angle to the axes.

Means, a covariance, axes and thresholds are kept; no photo's vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.linalg import solve_triangular
from sklearn.covariance import ledoit_wolf

from mmskin.errors import DataError
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.sentence import Sentence

AXES = 64
"""At most. 16 do as well for a frozen encoder; for one that was fine-tuned for 7 epochs on PAD-UFES-20 the distances
found 47 % of drawings by 16 axes, 93 % by 64."""
FLOOR = 0.03
"""No channel's scale is below this share of the median one: a channel that never varied in training tells of rounding
as much as of a picture."""
DIGITS = 5  # of stored numbers: features are kept with 11 bits
REASONS = {
    "nearest_class": Sentence("the photo is far from the training photos of every class"),
    "outside": Sentence("the photo shows much that the training photos do not show"),
    "share_outside": Sentence("little of what the photo shows is what training photos have in common"),
}

Row = tuple[float, ...]


class Familiarity(BaseModel):
    """What is remembered of the training photos' vectors, of width D.

    photos: how many they were.
    mean, scale: (D,), by which a vector is standardised.
    axes: (K, D), orthonormal rows, K ≤ 64.
    class_means: (classes with a training photo, K), along the axes.
    covariance: (K, K), within classes, along the axes.
    thresholds: by distance, above which a photo is unfamiliar; {} before `with_thresholds`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    photos: int = Field(ge=2)
    mean: Row
    scale: tuple[Annotated[float, Field(gt=0)], ...]
    axes: tuple[Row, ...] = Field(min_length=1, max_length=AXES)
    class_means: tuple[Row, ...] = Field(min_length=1)
    covariance: tuple[Row, ...]
    thresholds: dict[str, float] = {}

    @model_validator(mode="after")
    def _widths_agree(self) -> Familiarity:
        width, axes = len(self.mean), len(self.axes)
        if {len(self.scale), *map(len, self.axes)} != {width}:
            raise ValueError(f"scale and axes must be as wide as the mean, {width}")
        if len(self.covariance) != axes or {*map(len, self.class_means), *map(len, self.covariance)} != {axes}:
            raise ValueError(f"class_means and covariance must be as wide as there are axes, {axes}")
        if self.thresholds and set(self.thresholds) != set(REASONS):
            raise ValueError(f"thresholds must be those of {', '.join(REASONS)}, or none")
        return self

    def distances(self, vectors: Floats) -> dict[str, Floats]:
        """By name, how far (N,) each of the vectors (N, D) is from the training photos, 0 or more.

        Raises:
            DataError: vectors of another width, or not finite.
        """
        _check(vectors, width=len(self.mean))
        standard = (vectors - np.array(self.mean)) / np.array(self.scale)
        along = standard @ np.array(self.axes).T
        whole = np.square(standard).sum(axis=1)
        outside = np.sqrt(np.maximum(whole - np.square(along).sum(axis=1), 0))
        root = np.linalg.cholesky(np.array(self.covariance))
        of_classes = [solve_triangular(root, (along - of).T, lower=True) for of in np.array(self.class_means)]
        nearest = np.sqrt(np.min([np.square(scores).sum(axis=0) for scores in of_classes], axis=0))
        share = np.divide(outside, np.sqrt(whole), out=np.zeros_like(outside), where=whole > 0)
        return {"nearest_class": nearest, "outside": outside, "share_outside": share}

    def with_thresholds(
        self,
        distances: Mapping[str, Floats],
        *,
        false_alarms: float = 0.05,
        flagged: NDArray[np.bool_] | None = None,
    ) -> Familiarity:
        """The same with thresholds such that a new photo like these is unfamiliar with about this probability.

        Every distance is cut at the same rank from above, the deepest at which all cuts together leave n + 1 times
        `false_alarms` photos or fewer out, the new one counted: of one distance that is a split conformal threshold,
        exact (Vovk et al., *Algorithmic learning in a random world*, 2005); of three it is near.

        Args:
            distances: by name, (n,) of photos that neither this nor, if it is fine-tuned, the encoder has seen.
            false_alarms: in (0, 1), of everything together.
            flagged: (n,), those of the photos that are warned of for another reason; they use up the same allowance.

        Raises:
            DataError: too few photos to hold the probability.
        """
        ranks = np.stack([_rank_from_above(distances[name]) for name in REASONS]).min(axis=0)
        if flagged is not None:
            ranks = np.where(flagged, 0, ranks)
        n = len(ranks)
        allowed = n - ceil((1 - false_alarms) * (n + 1) - 1e-9)
        if allowed < 0:
            raise DataError(
                f"{n} photos are too few for false alarms of {false_alarms:g}: {ceil(1 / false_alarms) - 1} or more"
            )
        # The first rank that would leave out too many; 1 leaves out none of them, whatever is flagged.
        cut = max(1, int(np.sort(ranks)[allowed]))
        cuts = {name: float(np.sort(distances[name])[-cut]) for name in REASONS}
        return Familiarity.model_validate({**self.model_dump(), "thresholds": cuts})

    def unfamiliar(self, vectors: Floats) -> list[dict[str, str]]:
        """For each of the vectors (N, D), the distances that are beyond their threshold, with the reason in words.

        Raises:
            DataError: vectors of another width, or thresholds that were not set.
        """
        if not self.thresholds:
            raise DataError("no thresholds are set: call with_thresholds on photos that are new to the model first")
        distances = self.distances(vectors)
        beyond = {name: distances[name] > self.thresholds[name] for name in REASONS}
        return [{name: REASONS[name] for name in REASONS if beyond[name][row]} for row in range(len(vectors))]


def fit_familiarity(vectors: Floats, target: Ints, *, num_classes: int, axes: int = AXES) -> Familiarity:
    """Remember what training photos have in common.

    Args:
        vectors: (N, D), of training photos by the encoder as it will answer.
        target: (N,), in [0, num_classes); a class without a photo is left out.
        num_classes: C.
        axes: at most so many, fewer where N − C or D allow no more.

    Raises:
        DataError: vectors that are not (N, D), not finite or all the same, targets that do not fit them, or no more
            photos than classes.
    """
    _check(vectors)
    if target.shape != (len(vectors),) or not ((target >= 0) & (target < num_classes)).all():
        raise DataError(f"target must hold {len(vectors)} class codes in [0, {num_classes}), however: {target.shape}")
    present = np.unique(target)
    if len(vectors) <= len(present) + 1:
        raise DataError(f"{len(vectors)} photos of {len(present)} classes are too few for a covariance within classes")
    if not 1 <= axes <= AXES:
        raise DataError(f"axes must lie in 1 to {AXES}, however: axes={axes}")
    mean, spread = vectors.mean(axis=0), vectors.std(axis=0)
    if not spread.any():
        raise DataError("all vectors are the same: there is nothing to tell photos apart by")
    scale = np.maximum(spread, FLOOR * np.median(spread[spread > 0]))
    standard = (vectors - mean) / scale
    kept = min(axes, len(vectors) - len(present), vectors.shape[1])
    directions = np.linalg.svd(standard, full_matrices=False)[2][:kept]
    along = standard @ directions.T
    means = np.stack([along[target == code].mean(axis=0) for code in present])
    within = along - means[np.searchsorted(present, target)]
    covariance, _ = ledoit_wolf(within, assume_centered=True)
    return Familiarity(
        photos=len(vectors),
        mean=_stored(mean),
        scale=_stored(scale),
        axes=tuple(map(_stored, directions)),
        class_means=tuple(map(_stored, means)),
        covariance=tuple(map(_stored, covariance)),
    )


def leaning(own: Familiarity, other: Familiarity, vectors: Floats) -> Floats:
    """How much more a photo is like another kind of photo than like the kind it was given as: above 0 if it is.

    log of what lies outside the axes of its own kind, less that of the other. For models that read two kinds by the
    same encoder: distances hardly tell a dermoscopic photo from a clinical one, both of lesions on skin (33 % of 300 on
    MILK10k, 5 % false alarms); two kinds side by side do (90 %, where 1 % of validation photos lie above the limit).

    Args:
        own: of the kind that the photos were given as.
        other: of another kind.
        vectors: (N, D).

    Returns:
        (N,).

    Raises:
        DataError: vectors of another width, or not finite.
    """
    outside = [np.log(np.maximum(of.distances(vectors)["outside"], 1e-12)) for of in (own, other)]
    return np.asarray(outside[0] - outside[1])


def _check(vectors: Floats, *, width: int | None = None) -> None:
    if vectors.ndim != 2 or (width is not None and vectors.shape[1] != width):
        raise DataError(f"vectors must be (N, {'D' if width is None else width}), however: {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise DataError("vectors hold values that are not finite")


def _rank_from_above(values: Floats) -> Ints:
    """1 for the largest; of equal values the lowest rank that one of them has."""
    return len(values) - np.searchsorted(np.sort(values), values, side="right") + 1


def _stored(values: Floats) -> Row:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)
