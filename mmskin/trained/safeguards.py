"""What keeps an answer honest: a calibration, sets with a promise and triage, for every set of parts that may be there.

All of it is fitted on validation patients, whom nothing was trained on, and kept in the record of a saved model:
numbers of classes and sorted scores, nobody's row. Scores of the sets, and the probabilities behind thresholds, come
from calibrations that were fitted on other validation patients (five parts by patient), so that no case is judged by a
calibration that has seen it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from mmskin.data.seeds import view_seed
from mmskin.errors import ModelError
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.schema import Schema
from mmskin.trained.answer_sets import own_scores
from mmskin.trained.calibration import log_of
from mmskin.trained.class_calibration import ClassCalibration, Method, fit_class_calibration
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.parts_there import is_flagged, key_of, parts_of_rows, parts_read, subsets, with_parts
from mmskin.trained.photo_check import PhotoCheck, fit_photo_check
from mmskin.trained.trained_model import Answer, TrainedModel
from mmskin.trained.triage import Bools, Groups, Thresholds, fit_thresholds, groups_of

SAFEGUARDS = "safeguards"  # its key in the record of a model
PARTS = 5
LEAST_CASES = 30  # of a set of parts: fewer say nothing of it


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OfParts(_Part):
    """What is known of answers with one set of parts there.

    slopes, bias, prior: of the calibration, see `ClassCalibration`. scores: by class, see `own_scores`.
    patients: behind the scores. thresholds: of triage; None where the schema names no dangerous class.
    """

    slopes: tuple[float, ...]
    bias: tuple[float, ...]
    prior: tuple[float, ...]
    scores: dict[str, tuple[float, ...]]
    patients: int = Field(ge=0)
    thresholds: Thresholds | None = None

    @property
    def calibration(self) -> ClassCalibration:
        return ClassCalibration(np.array(self.slopes), np.array(self.bias), np.array(self.prior))


class Safeguards(_Part):
    """by_parts: by the key of a set of parts, the whole case first; sets that validation hardly has are not there.
    by_folds: whether all of it comes from other models, those of the folds: a set promises 1 − 2α then.
    photos: by kind, by what photos unlike those of training are told.
    """

    by_parts: dict[str, OfParts] = Field(min_length=1)
    by_folds: bool = False
    photos: dict[str, PhotoCheck] = {}

    def of(self, parts: str) -> OfParts:
        """What is known of these parts; of the whole case where nothing is known of them."""
        return self.by_parts.get(parts) or next(iter(self.by_parts.values()))

    def probabilities(self, probs: Answer, parts: str | Sequence[str]) -> Answer:
        """(N, C) calibrated by class and under the shares of the validation cases; NaN where the answers are.

        Args:
            probs: (N, C), the model's answers; of a tensor the result can be differentiated.
            parts: the key of the parts that are there, of all cases or of each; of all, for a tensor.
        """
        if isinstance(parts, str):
            return self.of(parts).calibration.probabilities(probs.log() if isinstance(probs, Tensor) else log_of(probs))
        assert not isinstance(probs, Tensor)
        calibrated = np.full_like(probs, np.nan)
        keys = np.asarray(parts, dtype=object)
        for key in set(parts):
            rows = keys == key
            calibrated[rows] = self.probabilities(probs[rows], key)
        return calibrated


class Validated(NamedTuple):
    """Answers on N validation cases with one set of parts, before they are calibrated by class.

    log_probs: (N, C). target: (N,), class codes. patients: (N,) ids. flagged: (N,), whether a red flag is raised.
    """

    log_probs: Floats
    target: Ints
    patients: Sequence[str]
    flagged: Bools


def make_safeguards(trained: Trained, *, train: pd.DataFrame, val: pd.DataFrame) -> Safeguards:
    """Of a model, from its validation rows: as they are, and with each smaller set of parts.

    Args:
        trained: the model, its temperature found.
        train: rows that it has learned from, for what their photos have in common.
        val: rows of the table of cases that it has not learned from.
    """
    found = safeguards_from(validated_by_parts(trained, val), trained.schema)
    return found.model_copy(update={"photos": fit_photo_check(trained, train, val)})


def validated_by_parts(trained: Trained, val: pd.DataFrame) -> dict[str, Validated]:
    """By the key of every set of parts that the model reads, the whole first, its answers on validation rows."""
    return {key_of(parts): validated_with(trained, val, parts) for parts in subsets(parts_read(trained.modalities))}


def safeguards_from(validated: Mapping[str, Validated], schema: Schema, *, by_folds: bool = False) -> Safeguards:
    """Those of answers on validation cases by the parts that were shown, the whole first."""
    whole, groups = next(iter(validated)), groups_of(schema)
    enough = {key: of for key, of in validated.items() if key == whole or len(of.target) >= LEAST_CASES}
    by_parts = {key: fit_of_parts(of, schema.classes, groups) for key, of in enough.items()}
    return Safeguards(by_parts=by_parts, by_folds=by_folds)


def joined(validated: Sequence[Mapping[str, Validated]]) -> dict[str, Validated]:
    """Answers of the models of several folds, each on its own validation cases, as one."""
    return {
        key: Validated(
            np.concatenate([of[key].log_probs for of in validated]),
            np.concatenate([of[key].target for of in validated]),
            [patient for of in validated for patient in of[key].patients],
            np.concatenate([of[key].flagged for of in validated]),
        )
        for key in validated[0]
    }


def answered_with(trained: Trained, rows: pd.DataFrame, parts: Sequence[str]) -> tuple[pd.DataFrame, Floats]:
    """The cases that have all these parts, and what a model answers of them with these alone, (N, C).

    With all parts that the model reads, every case of which it can read anything, as it is.
    """
    schema, every = trained.schema, parts_read(trained.modalities)
    shown = rows.reset_index(drop=True)
    if tuple(parts) != every:
        shown = with_parts(shown, schema, parts)
        has_all = [key == key_of(parts) for key in parts_of_rows(shown, schema, trained.modalities)]
        shown = shown[np.array(has_all, dtype=bool)].reset_index(drop=True)
    probs = trained.probabilities(shown) if len(shown) else np.zeros((0, len(schema.classes)))
    answered = np.flatnonzero(~np.isnan(probs).any(axis=1))
    return shown.iloc[answered].reset_index(drop=True), probs[answered]


def validated_with(trained: Trained, val: pd.DataFrame, parts: Sequence[str]) -> Validated:
    """What a model answers of validation rows with these parts."""
    shown, probs = answered_with(trained, val, parts)
    return Validated(
        log_of(probs),
        pd.Index(trained.schema.classes).get_indexer(pd.Index(shown["target"])).astype(np.int64),
        shown["patient_id"].astype(str).tolist(),
        is_flagged(shown, trained.schema),
    )


def fit_of_parts(
    val: Validated, classes: Sequence[str], groups: Groups | None, *, method: Method = "bias_corrected"
) -> OfParts:
    """Calibration on all cases; scores and thresholds by calibrations of other patients, a patient counting once.

    Raises:
        DataError: no case.
    """
    fitted = fit_class_calibration(val.log_probs, val.target, method=method)
    held_out = calibrated_by_others(val, method=method)
    once = ~pd.Series(val.patients, dtype=object).duplicated().to_numpy(dtype=bool)
    return OfParts(
        slopes=tuple(map(float, fitted.slopes)),
        bias=tuple(map(float, fitted.bias)),
        prior=tuple(map(float, fitted.prior)),
        scores=own_scores(held_out[once], val.target[once], classes),
        patients=int(once.sum()),
        thresholds=None if groups is None else fit_thresholds(held_out, val.target, val.flagged, val.patients, groups),
    )


def calibrated_by_others(val: Validated, *, method: Method = "bias_corrected") -> Floats:
    """(N, C) probabilities of every case by a calibration that was fitted on other patients."""
    part = np.array([view_seed(patient, SAFEGUARDS, 0) % PARTS for patient in val.patients], dtype=np.int64)
    probs = np.empty_like(val.log_probs)
    for number in set(part.tolist()):
        inside = part == number
        rest = slice(None) if inside.all() else ~inside
        fitted = fit_class_calibration(val.log_probs[rest], val.target[rest], method=method)
        probs[inside] = fitted.probabilities(val.log_probs[inside])
    return probs


def with_safeguards(trained: Trained, safeguards: Safeguards) -> Trained:
    """The model with its safeguards in its record."""
    return replace(trained, record={**trained.record, SAFEGUARDS: safeguards.model_dump(mode="json")})


def safeguards_of(trained: Trained) -> Safeguards | None:
    """Those of a model; None of one that was made without them, or of several models of a run together.

    Raises:
        ModelError: they are damaged.
    """
    content = trained.record.get(SAFEGUARDS)
    try:
        return None if content is None else Safeguards.model_validate(content)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise ModelError(f"the safeguards of this model are damaged, at {SAFEGUARDS}.{where}") from None


class Guarded(NamedTuple):
    """A model that has safeguards, and these."""

    trained: Trained
    safeguards: Safeguards


def guarded(trained: Trained) -> list[Guarded]:
    """The models behind an answer that have safeguards: itself, or members of an ensemble that has none of its own.

    [] where a model behind the answer has none.
    """
    own = safeguards_of(trained)
    if own is not None:
        return [Guarded(trained, own)]
    if not isinstance(trained, Ensemble):
        return []
    of_members = [guarded(member) for member in trained.members]
    return [one for members in of_members for one in members] if all(of_members) else []


def validation_shares(trained: Trained) -> Floats:
    """(C,) of the classes among the validation cases of a model with safeguards; of several models the mean."""
    whole = [next(iter(one.safeguards.by_parts.values())).calibration.prior for one in guarded(trained)]
    return np.asarray(np.mean(whole, axis=0))


def calibrated(
    trained: Trained,
    ask: Callable[[TrainedModel], Answer],
    parts: str | Sequence[str],
    *,
    models: Sequence[Guarded] | None = None,
) -> Answer:
    """(N, C) answers that mean what they say: calibrated by class, under the shares of the validation cases.

    Of several models the mean of theirs. A model without safeguards answers as it was trained.

    Args:
        trained: a model, or several.
        ask: one of its models → that model's answers (N, C).
        parts: see `Safeguards.probabilities`.
        models: `guarded(trained)`, for whoever asks many times: reading safeguards takes milliseconds.
    """
    models = guarded(trained) if models is None else models
    if not models:
        return trained.answered(ask)
    total = models[0].safeguards.probabilities(models[0].trained.answered(ask), parts)
    for one in models[1:]:
        total = total + one.safeguards.probabilities(one.trained.answered(ask), parts)
    mean: Answer = total / len(models)
    return mean
