"""Whether the photos of a case are like those a model was made with: its encoder's distances, and gates on pixels.

Both together warn of one real photo in twenty, by validation photos. A model with too few of them to promise that has
the gates alone, whose limits are fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from mmskin.evaluation.metrics import Floats
from mmskin.features import is_photo
from mmskin.inputs.dataset import CaseDataset
from mmskin.inputs.photo_gates import gate_reasons
from mmskin.inputs.readers import PhotoReader
from mmskin.trained.ensemble import Trained
from mmskin.trained.familiarity import Familiarity, fit_familiarity
from mmskin.trained.reference import photo_vectors

FALSE_ALARMS = 0.05
NEEDED = 19  # validation photos for that share: fewer cannot promise it
PER_CLASS = 2  # training photos more than classes and one: a covariance within classes needs them


def fit_photo_check(trained: Trained, train: pd.DataFrame, val: pd.DataFrame) -> dict[str, Familiarity]:
    """By kind of photo, what the training photos have in common, with thresholds by the validation photos.

    Kinds with too few photos are left out.

    Args:
        trained: the model; of several the first one's encoder.
        train: rows that it has learned from.
        val: rows that it has not.
    """
    learned, new = photo_vectors(trained, train), photo_vectors(trained, val)
    classes, found = trained.schema.classes, {}
    for kind, vectors in learned.items():
        with_photo = np.array([kind in kinds for kinds in train["image_kinds"]], dtype=bool)
        target = pd.Index(classes).get_indexer(pd.Index(train["target"][with_photo])).astype(np.int64)
        if len(new[kind]) < NEEDED or len(vectors) < len(classes) + PER_CLASS:
            continue
        fitted = fit_familiarity(vectors, target, num_classes=len(classes))
        flagged = np.array([bool(reasons) for reasons in gates_of_rows(trained, val, kind)], dtype=bool)
        found[kind] = fitted.with_thresholds(fitted.distances(new[kind]), false_alarms=FALSE_ALARMS, flagged=flagged)
    return found


def gates_of_rows(trained: Trained, rows: pd.DataFrame, kind: str) -> list[dict[str, str]]:
    """For each case of a table that has a photo of the kind, the gates that one of these photos does not pass."""
    reader = PhotoReader(kind, lambda pixels: {"pixels": pixels}, max_side=trained.photo_side)
    dataset = CaseDataset([rows], trained.schema, {kind: reader})
    read = (dataset[index].rows[kind] for index in range(len(dataset)))
    pixels = ([photo["pixels"] for photo in photos if isinstance(photo, dict)] for photos in read)
    return [_gates(of_case) for of_case in pixels if of_case]


def _gates(photos: Sequence[Tensor]) -> dict[str, str]:
    """Of photos (3, H, W) uint8."""
    return {name: reason for photo in photos for name, reason in gate_reasons(photo.float() / 255).items()}


def unlike_training(
    checks: Sequence[Mapping[str, Familiarity]],
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
        found = [check[kind].unfamiliar(of[kind])[0] for check, of in both if kind in check and kind in of]
        reasons |= dict.fromkeys([*_gates(of_kind).values(), *_by_vote(found)])
    return tuple(reasons)


def unlike_rows(
    trained: Trained, checks: Sequence[tuple[Trained, Mapping[str, Familiarity]]], rows: pd.DataFrame
) -> list[tuple[str, ...]]:
    """The same of every case of a table.

    Args:
        trained: the model, or several.
        checks: the models behind it, each with what its training photos have in common, by kind.
        rows: of the table of cases.
    """
    reasons: list[dict[str, None]] = [{} for _ in range(len(rows))]
    vectors = [photo_vectors(model, rows) for model, _ in checks]
    for kind in filter(is_photo, trained.modalities):
        found = [of[kind].unfamiliar(vs[kind]) for vs, (_, of) in zip(vectors, checks, strict=True) if kind in of]
        there = [place for place, kinds in enumerate(rows["image_kinds"]) if kind in kinds]
        for number, (place, gates) in enumerate(zip(there, gates_of_rows(trained, rows, kind), strict=True)):
            reasons[place] |= dict.fromkeys([*gates.values(), *_by_vote([of[number] for of in found])])
    return [tuple(of) for of in reasons]


def _by_vote(found: Sequence[Mapping[str, str]]) -> list[str]:
    """The reasons of several models where half of them have one."""
    if not found or sum(map(bool, found)) < len(found) / 2:
        return []
    return [reason for of in found for reason in of.values()]
