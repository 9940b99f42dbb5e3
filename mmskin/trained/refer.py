"""When an answer should be left to a physician, and the classes it cannot rule out: plain rules, each with its reason.

These are rules of thumb on the calibrated probabilities of one case. They promise nothing about how often the true
class lies in the set: a set with such a promise needs held-out cases to be fitted on (conformal prediction).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmskin.features import is_photo, photo_title
from mmskin.inputs.photos import PhotoSource, image_remarks, open_rgb, to_tensor
from mmskin.schema import Schema
from mmskin.trained.prediction import Prediction

MASS = 0.9
LEAST_TOP = 0.5  # a guess: below, the other classes together are the likelier ones
DANGEROUS = ("malignant", "worrying")  # names of the class groups that must not be missed


@dataclass(frozen=True)
class Advice:
    """classes: the smallest set that reaches the mass, most likely first; mass: what was asked for, reached: what they
    sum to. reasons: why to refer, one sentence each; none if nothing speaks for it."""

    classes: tuple[str, ...]
    mass: float
    reached: float
    reasons: tuple[str, ...]

    @property
    def refer(self) -> bool:
        return bool(self.reasons)


def smallest_set(probabilities: Mapping[str, float], *, mass: float = MASS) -> tuple[str, ...]:
    """The fewest classes whose probabilities sum to the mass, most likely first; never empty.

    Args:
        probabilities: by class, they sum to 1.
        mass: in (0, 1].

    Raises:
        ValueError: mass outside (0, 1].
    """
    if not 0 < mass <= 1:
        raise ValueError(f"mass must lie above 0 and be at most 1, however: mass={mass}")
    chosen: list[str] = []
    total = 0.0
    for name, probability in sorted(probabilities.items(), key=lambda item: -item[1]):
        chosen.append(name)
        total += probability
        if total >= mass - 1e-9:  # probabilities that sum to .9 in decimals may not in binary
            break
    return tuple(chosen)


def advise(
    prediction: Prediction, schema: Schema, *, quality: Iterable[str] = (), mass: float = MASS, least: float = LEAST_TOP
) -> Advice:
    """The set of classes that are left, and why the case should be referred.

    Args:
        prediction: of the case.
        schema: titles of classes, and the groups that must not be missed: those called "malignant" or "worrying".
        quality: what `photo_quality` found.
        mass: see `smallest_set`.
        least: the top probability below which to refer.
    """
    classes = smallest_set(prediction.probabilities, mass=mass)
    reached = sum(prediction.probabilities[name] for name in classes)
    reasons = [*_photo(prediction), *quality, *_unsure(prediction, least), *_dangerous(prediction, schema, classes)]
    return Advice(classes, mass, reached, tuple(reasons))


def photo_quality(image: PhotoSource, *, max_side: int | None = None) -> tuple[str, ...]:
    """Blur, darkness, tiny size: one line each, as `image_remarks` words them.

    Args:
        image: as `open_rgb` takes it.
        max_side: as the model reads photos.

    Raises:
        ImageError: see `open_rgb`.
    """
    return image_remarks(to_tensor(open_rgb(image, max_side=max_side).image))


def _photo(prediction: Prediction) -> list[str]:
    missing = [photo_title(modality) for modality in prediction.missing if is_photo(modality)]
    return [f"there is no {title}, and this model was made to see one" for title in missing]


def _unsure(prediction: Prediction, least: float) -> list[str]:
    top = prediction.probabilities[prediction.top]
    return [f"the most likely class reaches only {top:.0%}, less than {least:.0%}"] if top < least else []


def _dangerous(prediction: Prediction, schema: Schema, classes: tuple[str, ...]) -> list[str]:
    reasons = []
    for group in DANGEROUS:
        members = [name for name in classes if name in schema.class_groups.get(group, ())]
        if members:
            told = ", ".join(
                f"{schema.class_titles.get(name, name)} ({prediction.probabilities[name]:.0%})" for name in members
            )
            reasons.append(f"of the {group} classes the set holds {told}")
    return reasons
