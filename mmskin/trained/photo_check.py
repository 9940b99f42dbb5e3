"""Whether the photos of a case are like those a model was made with: its encoder's distances, and gates on pixels.

Both together warn of one photo in twenty, by validation photos. A model with too few of them to promise that has the
gates alone, whose limits are fixed; a gate that stops photos of the data set itself is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from mmskin.evaluation.metrics import Floats
from mmskin.features import is_photo, photo_title
from mmskin.inputs.dataset import CaseDataset
from mmskin.inputs.photo_gates import GATES, gate_reasons
from mmskin.inputs.readers import PhotoReader
from mmskin.sentence import Sentence
from mmskin.trained.ensemble import Trained
from mmskin.trained.familiarity import Familiarity, fit_familiarity, leaning
from mmskin.trained.reference import photo_vectors

FALSE_ALARMS = 0.05
NEEDED = 19  # validation photos for that share: fewer cannot promise it
PER_CLASS = 2  # training photos more than classes and one: a covariance within classes needs them
SWAPPED = 0.01  # of validation photos that may be taken for another kind
ORDINARY = 0.02  # of a data set's own photos: a gate that stops more of them, and two or more, is not for this data set


class PhotoCheck(BaseModel):
    """Of one kind of photo.

    familiarity: what training photos have in common; None where there were too few.
    gates: names of those that hold for photos of this data set, such as drawn ones, on which others would always stop.
    swaps: by another kind that the same encoder reads, the `leaning` above which a photo is taken for one of that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    familiarity: Familiarity | None
    gates: tuple[str, ...]
    swaps: dict[str, float] = {}


def fit_photo_check(trained: Trained, train: pd.DataFrame, val: pd.DataFrame) -> dict[str, PhotoCheck]:
    """By kind of photo, with thresholds by the validation photos.

    Args:
        trained: the model; of several the first one's encoder.
        train: rows that it has learned from.
        val: rows that it has not.
    """
    learned, new = photo_vectors(trained, train), photo_vectors(trained, val)
    checks = {kind: _fitted(trained, kind, vectors, new[kind], train, val) for kind, vectors in learned.items()}
    return {
        kind: of.model_copy(update={"swaps": _swaps(trained, checks, kind, new[kind])}) for kind, of in checks.items()
    }


def _swaps(trained: Trained, checks: Mapping[str, PhotoCheck], kind: str, new: Floats) -> dict[str, float]:
    """Limits that one validation photo in a hundred exceeds, for every other kind that is encoded alike."""
    own, found = checks[kind].familiarity, {}
    for other, of in checks.items():
        alike = other != kind and _are_one(trained.encoders[kind], trained.encoders[other])
        if alike and own is not None and of.familiarity is not None:
            found[other] = max(0.0, float(np.quantile(leaning(own, of.familiarity, new), 1 - SWAPPED)))
    return found


def _are_one(one: nn.Module, other: nn.Module) -> bool:
    """Whether two encoders have the same weights, so that their vectors can be compared."""
    here, there = one.state_dict(), other.state_dict()
    return here.keys() == there.keys() and all(torch.equal(tensor, there[name]) for name, tensor in here.items())


def _fitted(
    trained: Trained, kind: str, learned: Floats, new: Floats, train: pd.DataFrame, val: pd.DataFrame
) -> PhotoCheck:
    stopped = gates_of_rows(trained, val, kind)
    counts = {name: sum(name in of for of in stopped) for name in GATES}
    gates = tuple(name for name, count in counts.items() if count < 2 or count <= ORDINARY * len(stopped))
    classes = trained.schema.classes
    if len(new) < NEEDED or len(learned) < len(classes) + PER_CLASS:
        return PhotoCheck(familiarity=None, gates=gates)
    with_photo = np.array([kind in kinds for kinds in train["image_kinds"]], dtype=bool)
    target = pd.Index(classes).get_indexer(pd.Index(train["target"][with_photo])).astype(np.int64)
    fitted = fit_familiarity(learned, target, num_classes=len(classes))
    flagged = np.array([any(name in gates for name in of) for of in stopped], dtype=bool)
    found = fitted.with_thresholds(fitted.distances(new), false_alarms=FALSE_ALARMS, flagged=flagged)
    return PhotoCheck(familiarity=found, gates=gates)


def gates_of_rows(trained: Trained, rows: pd.DataFrame, kind: str) -> list[dict[str, str]]:
    """For each case of a table that has a photo of the kind, the gates that one of these photos does not pass."""
    reader = PhotoReader(kind, lambda pixels: {"pixels": pixels}, max_side=trained.photo_side)
    dataset = CaseDataset([rows], trained.schema, {kind: reader})
    read = (dataset[index].rows[kind] for index in range(len(dataset)))
    pixels = ([photo["pixels"] for photo in photos if isinstance(photo, dict)] for photos in read)
    return [_stopped(of_case) for of_case in pixels if of_case]


def _stopped(photos: Sequence[Tensor]) -> dict[str, str]:
    """By name of the gate, the reason; of photos (3, H, W) uint8."""
    return {name: reason for photo in photos for name, reason in gate_reasons(photo.float() / 255).items()}


def unlike_training(
    checks: Sequence[Mapping[str, PhotoCheck]],
    vectors: Sequence[Mapping[str, Floats]],
    photos: Mapping[str, Sequence[Tensor]],
) -> tuple[str, ...]:
    """Why the photos of a case are unlike those of training; () where nothing speaks for it.

    Args:
        checks: of each of several models, by kind of photo.
        vectors: of each model, by kind, (1, D), what its encoder makes of the case.
        photos: by kind, (3, H, W) RGB, uint8.
    """
    reasons: dict[str, None] = {}
    for kind, of_kind in photos.items():
        both = zip(checks, vectors, strict=True)
        distant = [found[0] for check, of in both if kind in of and (found := _distant(check, kind, of[kind]))]
        reasons |= dict.fromkeys([*_gate_reasons(_stopped(of_kind), checks, kind), *_by_vote(distant)])
    return tuple(reasons)


def unlike_rows(
    trained: Trained, checks: Sequence[tuple[Trained, Mapping[str, PhotoCheck]]], rows: pd.DataFrame
) -> list[tuple[str, ...]]:
    """The same of every case of a table.

    Args:
        trained: the model, or several.
        checks: the models behind it, each with its checks by kind.
        rows: of the table of cases.
    """
    reasons: list[dict[str, None]] = [{} for _ in range(len(rows))]
    vectors = [photo_vectors(model, rows) for model, _ in checks]
    for kind in filter(is_photo, trained.modalities):
        both = zip(checks, vectors, strict=True)
        distant = [found for (_, check), of in both if (found := _distant(check, kind, of[kind]))]
        there = [place for place, kinds in enumerate(rows["image_kinds"]) if kind in kinds]
        for number, (place, stopped) in enumerate(zip(there, gates_of_rows(trained, rows, kind), strict=True)):
            of_gates = _gate_reasons(stopped, [of for _, of in checks], kind)
            reasons[place] |= dict.fromkeys([*of_gates, *_by_vote([of[number] for of in distant])])
    return [tuple(of) for of in reasons]


def _distant(check: Mapping[str, PhotoCheck], kind: str, vectors: Floats) -> list[dict[str, str]]:
    """For each of the vectors (N, D) of a kind, by name, why it is unlike training photos; [] where nobody knows."""
    own = check[kind].familiarity if kind in check else None
    if own is None:
        return []
    reasons = own.unfamiliar(vectors)
    for other, limit in check[kind].swaps.items():
        of_other = check[other].familiarity
        assert of_other is not None
        for row in np.flatnonzero(leaning(own, of_other, vectors) > limit):
            wording = "the photo looks like a {other}, not like a {kind}"
            reasons[row][other] = Sentence(wording, other=photo_title(other), kind=photo_title(kind))
    return reasons


def _gate_reasons(stopped: Mapping[str, str], checks: Sequence[Mapping[str, PhotoCheck]], kind: str) -> list[str]:
    """The reasons of the gates that hold for half of the models; of all gates where no model knows the kind."""
    known = [check[kind].gates for check in checks if kind in check]
    return [reason for name, reason in stopped.items() if sum(name in of for of in known) >= len(known) / 2]


def _by_vote(found: Sequence[Mapping[str, str]]) -> list[str]:
    """The reasons of several models where half of them have one."""
    if not found or sum(map(bool, found)) < len(found) / 2:
        return []
    return [reason for of in found for reason in of.values()]
