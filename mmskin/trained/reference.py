"""What a model remembers of the patients it was made with: to be told whether new ones are like them, and to be
measured at a threshold that was chosen before.

Counts, means and covariances; nobody's row. Fields are counted over training and validation patients. Answers and
photos are those of validation patients, whom the encoders have not learned from: a fine-tuned network sees the photos
of its training in another way than any new one. Every patient counts once, with the first of their cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch.utils.data import DataLoader

from mmskin.data.table import histories
from mmskin.errors import ModelError
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.evaluation.two_samples import Moments, moments_of
from mmskin.features import is_photo
from mmskin.inputs.batch import collate
from mmskin.schema import FieldValue, Schema
from mmskin.trained.ensemble import Trained
from mmskin.trained.photo_sketch import bandwidth_of, sketched
from mmskin.trained.trained_model import BATCH_SIZE, TrainedModel

REFERENCE = "reference"  # its key in the record of a model
NOT_RECORDED = "not recorded"
ANY = "any number"
BINS = 10
SENSITIVITIES = (0.9, 0.95)
"""At which thresholds are kept: the highest probability of a class group that so many validation cases of it reach."""
FREE_TEXT = "free text"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Counts(_Part):
    """How many patients had which value.

    edges: of a number, the upper ends of all bins but the last, deciles of the patients; () for words.
    labels: the values, or the bins in words; "not recorded" is the last of a field.
    """

    labels: tuple[str, ...]
    counts: tuple[Annotated[int, Field(ge=0)], ...]
    edges: tuple[float, ...] = ()

    def again(self, values: Sequence[FieldValue]) -> Counts:
        """Other values counted under the same labels; a word that is none of them under a label of its own."""
        counted = dict.fromkeys(self.labels, 0)
        for value in values:
            label = self._label(value)
            counted[label] = counted.get(label, 0) + 1
        return self.model_copy(update={"labels": tuple(counted), "counts": tuple(counted.values())})

    def _label(self, value: FieldValue) -> str:
        if value is None:
            return NOT_RECORDED
        if isinstance(value, int | float):
            return self.labels[int(np.searchsorted(self.edges, value))] if self.labels[0] != NOT_RECORDED else ANY
        return str(value)

    def without(self, *labels: str) -> Counts:
        """The same without some values, such as "not recorded"."""
        kept = [(label, n) for label, n in zip(self.labels, self.counts, strict=True) if label not in labels]
        names, counts = zip(*kept, strict=True) if kept else ((), ())
        return self.model_copy(update={"labels": names, "counts": counts})

    def recorded(self) -> Counts:
        """How many are recorded, whatever the value, and how many are not."""
        missing = dict(zip(self.labels, self.counts, strict=True)).get(NOT_RECORDED, 0)
        return Counts(labels=("recorded", NOT_RECORDED), counts=(sum(self.counts) - missing, missing))

    def in_line_with(self, other: Counts) -> tuple[Ints, Ints]:
        """Both as counts of the same labels."""
        labels = tuple(dict.fromkeys([*self.labels, *other.labels]))
        own, others = (
            dict(zip(self.labels, self.counts, strict=True)),
            dict(zip(other.labels, other.counts, strict=True)),
        )
        return np.array([own.get(of, 0) for of in labels]), np.array([others.get(of, 0) for of in labels])


class Sketch(_Part):
    """Of the photos of a kind: see `mmskin.trained.photo_sketch`."""

    patients: int = Field(ge=0)
    bandwidth: float = Field(gt=0)
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]

    def moments(self) -> Moments:
        return Moments(self.patients, np.array(self.mean), np.array(self.covariance))


class Answers(_Part):
    """What a model answered: predicted classes, and the probability of the predicted one."""

    predicted: Counts
    confidence: Counts


class Reference(_Part):
    """What a model remembers.

    patients: training and validation patients whose fields are counted. validated: those whose answers are.
    fields: by name, "free text" among them where the model reads it. parts: by photo kind, how many patients had one.
    photos: by kind. thresholds: by class group and sensitivity on validation cases, such as "0.9".
    """

    patients: int
    validated: int
    fields: dict[str, Counts]
    parts: dict[str, Counts]
    photos: dict[str, Sketch] = {}
    answers: Answers
    thresholds: dict[str, dict[str, float]] = {}


def reference_of(trained: Trained) -> Reference | None:
    """What a model remembers; None of one that was made before models did, or of several models of a run together.

    Raises:
        ModelError: it is damaged.
    """
    content = trained.record.get(REFERENCE)
    if isinstance(content, Mapping):
        content = {key: part for key, part in content.items() if key != "shares"}  # of models of format 2
    try:
        return None if content is None else Reference.model_validate(content)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise ModelError(f"what this model remembers of its patients is damaged, at {REFERENCE}.{where}") from None


class OutOfFold(NamedTuple):
    """Answers on cases that nothing was trained on.

    rows: patient_id and target of N cases. probs: (N, C), calibrated.
    """

    rows: pd.DataFrame
    probs: Floats


def make_reference(trained: Trained, *, train: pd.DataFrame, val: pd.DataFrame) -> Reference:
    """What a calibrated model is to remember.

    Args:
        trained: the model.
        train: rows that it has learned from, as they are in the table.
        val: rows that it was calibrated on.
    """
    probs = trained.probabilities(val)
    answered = np.flatnonzero(~np.isnan(probs).any(axis=1))
    return remembered(
        trained,
        everyone=pd.concat([train, val], ignore_index=True),
        answers=OutOfFold(val.iloc[answered], probs[answered]),
        photographed=val,
    )


def remembered(
    trained: Trained, *, everyone: pd.DataFrame, answers: OutOfFold, photographed: pd.DataFrame | None
) -> Reference:
    """What a model is to remember, from cases of three kinds.

    Args:
        trained: the model.
        everyone: cases whose fields are counted.
        answers: of which thresholds are taken.
        photographed: cases whose photos are sketched; None where no photo is unseen by the image encoder.
    """
    schema, (rows, probs) = trained.schema, answers
    patients = one_case_a_patient(everyone)
    once = np.flatnonzero(~rows["patient_id"].duplicated())
    return Reference(
        patients=len(patients),
        validated=len(once),
        fields=field_counts(patients, schema, with_text="text" in trained.modalities),
        parts=part_counts(patients, [m for m in trained.modalities if is_photo(m)]),
        photos={} if photographed is None else _sketches(trained, one_case_a_patient(photographed)),
        answers=answers_of(probs[once], schema),
        thresholds={
            group: chosen
            for group, members in schema.class_groups.items()
            if (chosen := _thresholds(probs, rows["target"].isin(members).to_numpy(), schema, members))
        },
    )


def one_case_a_patient(rows: pd.DataFrame) -> pd.DataFrame:
    """The first case of every patient."""
    return rows.drop_duplicates("patient_id").reset_index(drop=True)


def field_counts(
    rows: pd.DataFrame, schema: Schema, *, with_text: bool, like: Mapping[str, Counts] | None = None
) -> dict[str, Counts]:
    """The values of every field, and whether there is free text; under the labels of other counts, if any are given."""
    of_rows = histories(rows, schema)
    values = {name: [history.fields[name] for history in of_rows] for name in schema.field_names}
    counts = {name: _counts(of) if like is None else like[name].again(of) for name, of in values.items()}
    if with_text:
        counts[FREE_TEXT] = recorded_counts([bool(history.text) for history in of_rows])
    return counts


def part_counts(rows: pd.DataFrame, kinds: Sequence[str]) -> dict[str, Counts]:
    """How many cases have a photo of each kind."""
    return {kind: recorded_counts([kind in of for of in rows["image_kinds"]]) for kind in kinds}


def recorded_counts(there: Sequence[bool]) -> Counts:
    return Counts(labels=("recorded", NOT_RECORDED), counts=(sum(there), len(there) - sum(there)))


def _counts(values: Sequence[FieldValue]) -> Counts:
    numbers = [value for value in values if isinstance(value, int | float)]
    if not numbers:
        words = sorted({str(value) for value in values if value is not None})
        return Counts(labels=(*words, NOT_RECORDED), counts=(0,) * (len(words) + 1)).again(values)
    return binned(numbers, values)


def binned(numbers: Sequence[float], values: Sequence[FieldValue]) -> Counts:
    """Values in the tenths of the numbers; fewer bins where numbers are equal."""
    inner = [float(f"{end:.3g}") for end in np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1])]
    edges = tuple(sorted({end for end in inner if end < max(numbers)}))
    between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    labels = (f"up to {edges[0]:g}", *between, f"above {edges[-1]:g}", NOT_RECORDED) if edges else (ANY, NOT_RECORDED)
    empty = Counts(labels=labels, counts=(0,) * len(labels), edges=edges)
    return empty.again(values)


def answers_of(probs: Floats, schema: Schema, *, like: Answers | None = None) -> Answers:
    """Predicted classes and confidence of (N, C) answers, in the bins of other ones if any are given."""
    predicted = [schema.classes[code] for code in probs.argmax(axis=1)]
    confidence = [float(p) for p in probs.max(axis=1)]
    return Answers(
        predicted=Counts(labels=schema.classes, counts=(0,) * len(schema.classes)).again(predicted),
        confidence=binned(confidence, confidence) if like is None else like.confidence.again(confidence),
    )


def _thresholds(probs: Floats, inside: NDArray[np.bool_], schema: Schema, members: Sequence[str]) -> dict[str, float]:
    """By sensitivity; {} where the group has no case among these."""
    if not inside.any():
        return {}
    scores = np.sort(group_probability(probs, schema, members)[inside])[::-1]
    return {f"{s:g}": float(scores[int(np.ceil(s * len(scores) - 1e-9)) - 1]) for s in SENSITIVITIES}


def group_probability(probs: Floats, schema: Schema, members: Sequence[str]) -> Floats:
    """(N,) that a case is of a class group."""
    return np.asarray(probs[:, [schema.classes.index(name) for name in members]].sum(axis=1))


def _sketches(trained: Trained, rows: pd.DataFrame) -> dict[str, Sketch]:
    vectors = photo_vectors(trained, rows)
    sketches = {}
    for kind, of_kind in vectors.items():
        if len(of_kind) > 2:
            bandwidth = bandwidth_of(of_kind)
            moments = moments_of(sketched(of_kind, bandwidth=bandwidth))
            covariance = tuple(tuple(map(float, row)) for row in moments.covariance)
            sketches[kind] = Sketch(
                patients=moments.n, bandwidth=bandwidth, mean=tuple(map(float, moments.mean)), covariance=covariance
            )
    return sketches


@torch.inference_mode()
def photo_vectors(trained: Trained, rows: pd.DataFrame) -> dict[str, Floats]:
    """By kind of photo that is read, the pooled vectors (N, D) of the cases that have one, of the first model."""
    model: TrainedModel = trained.models[0]
    kinds = [modality for modality in model.modalities if is_photo(modality)]
    vectors: dict[str, list[Floats]] = {kind: [] for kind in kinds}
    if not kinds:
        return {}
    for batch in DataLoader(model.dataset(rows), batch_size=BATCH_SIZE, collate_fn=collate):
        features, present = model.model.encode(batch)
        for kind in kinds:
            vectors[kind].append(features[kind].pooled[present[kind]].double().numpy())
    return {kind: np.concatenate(parts) for kind, parts in vectors.items()}


def with_reference(trained: Trained, reference: Reference) -> Trained:
    """The model with what it remembers in its record."""
    return replace(trained, record={**trained.record, REFERENCE: reference.model_dump(mode="json")})
