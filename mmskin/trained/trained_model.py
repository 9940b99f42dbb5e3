"""A trained, calibrated model: what training gives, what is saved, and what everything that asks for answers uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mmskin.encoders.encoder_contract import Encoder
from mmskin.errors import ModelError
from mmskin.evaluation.metrics import Floats
from mmskin.inputs.batch import Batch, Case, collate
from mmskin.inputs.corrupted_reader import corrupted_reader
from mmskin.inputs.corruptions import Corruption
from mmskin.inputs.dataset import CaseDataset
from mmskin.inputs.photo_variations import PhotoVariations
from mmskin.inputs.readers import Photo, RawCase, Reader, make_reader, read_case
from mmskin.losses.loss_contract import Loss
from mmskin.model.classifier import MultimodalClassifier
from mmskin.model.feature_extraction import keep_features
from mmskin.schema import History, Schema
from mmskin.trained.calibration import at_temperature, log_of_mean

Predict = Callable[[pd.DataFrame], Floats]
"""Rows of the table of cases → (N, C) calibrated probabilities; NaN for a case of which nothing is present."""

Answer = TypeVar("Answer", Floats, Tensor)
BATCH_SIZE = 64
EXPECTED = "expected"
"""In the record of a model of all cases: the score of the folds that it is expected to have."""


@dataclass(frozen=True)
class TrainedModel:
    """A classifier with all that is needed to answer.

    model: encoders, fusion and head; put in eval mode.
    loss: the link from logits to probabilities.
    schema: the classes, and what the model may read.
    temperature: of the calibration.
    photo_side: longest side at which photos are read, pixels.
    record: how it was made, in plain values: slots of encoders, fusion and loss, photo pooling, class counts,
        missingness, fields excluded with their reasons, fold, and the whole experiment.
    cached: readers of rows that look up stored features or keep photos in memory, in place of those that read from
        disk; while a benchmark runs.
    variations: of the photos, over which the probabilities are averaged; None where the photo as it is answers.
    """

    model: MultimodalClassifier
    loss: Loss
    schema: Schema
    temperature: float
    photo_side: int
    record: Mapping[str, Any] = field(default_factory=dict)
    cached: Mapping[str, Reader] = field(default_factory=dict)
    variations: PhotoVariations | None = None

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise ModelError(f"temperature must be a finite number above 0, however: {self.temperature}")
        if self.photo_side < 1:
            raise ModelError(f"photo_side must be 1 or more pixels, however: {self.photo_side}")
        self.model.eval()

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.model.encoders)

    @property
    def encoders(self) -> Mapping[str, Encoder]:
        return self.model.encoders

    @property
    def models(self) -> tuple[TrainedModel, ...]:
        """Itself: of an `Ensemble`, all models behind an answer."""
        return (self,)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of every answer should know: of a model of all cases, how it was and was not tested."""
        return (self.record[EXPECTED]["remark"],) if EXPECTED in self.record else ()

    def answered(self, ask: Callable[[TrainedModel], Answer]) -> Answer:
        """What this model is asked, as `Ensemble` puts several answers together."""
        return ask(self)

    def readers(self) -> dict[str, Reader]:
        """What reads a case from its photos and its history, by modality."""
        return {
            modality: make_reader(modality, encoder.prepare, self.schema, photo_side=self.photo_side)
            for modality, encoder in self.model.encoders.items()
        }

    def on_corrupted(self, corruption: Corruption) -> TrainedModel:
        """The same model, which reads photos from disk with a fault, and encodes them anew."""
        readers = self.readers() | dict(self.cached)
        return replace(self, cached={m: corrupted_reader(reader, corruption) for m, reader in readers.items()})

    def case(self, history: History, photos: Mapping[str, Sequence[Photo]] | None = None) -> Case:
        """One case as the encoders take it.

        Args:
            history: what the patient says.
            photos: by kind: paths, pixels, or features of this model's encoders.
        """
        return read_case(self.readers(), RawCase("", photos or {}, history))

    @property
    def views(self) -> int:
        """In how many views the photos of a case are read: the plain one, and one for each variation."""
        return 1 if self.variations is None else 1 + len(self.variations.seeds)

    def by_view(self, readers: Mapping[str, Reader]) -> list[dict[str, Reader]]:
        """Readers of every view, the plain one first."""
        return [dict(readers)] if self.variations is None else list(self.variations.readers(readers))

    def calibrated(self, *logits: Tensor) -> Tensor:
        """Logits (B, C) of every view → probabilities (B, C) of their mean, float64, calibrated, differentiable."""
        log_probs = log_of_mean([self.loss.log_probabilities(of_view.double()) for of_view in logits])
        return at_temperature(log_probs, self.temperature)

    def of_views(self, batches: Sequence[Batch]) -> Floats:
        """(B, C) calibrated probabilities of the same cases in all views; NaN where nothing of a case is present."""
        return at_temperature(log_of_mean([self._log_probs(batch) for batch in batches]), self.temperature)

    def of_batch(self, batch: Batch) -> Floats:
        """(B, C) calibrated probabilities of cases in the plain view alone; NaN where nothing of a case is present."""
        return self.of_views([batch])

    def of_cases(self, cases: Sequence[Case]) -> Floats:
        """(N, C) calibrated probabilities in the plain view alone, the cases in one batch."""
        return self.of_batch(collate(cases))

    def probabilities(self, rows: pd.DataFrame) -> Floats:
        """(N, C) calibrated probabilities of rows of the table of cases; NaN where nothing of a case is present.

        Targets are not read. Features of frozen encoders are looked up where they are stored, and stored if not.
        """
        return at_temperature(self.log_probabilities(rows), self.temperature)

    def log_probabilities(self, rows: pd.DataFrame) -> Floats:
        """(N, C) log of the probabilities before calibration, what a temperature is fitted to; NaN likewise."""
        return log_of_mean(
            [self._of_rows(rows, readers) for readers in self.by_view(self.readers() | dict(self.cached))]
        )

    def _of_rows(self, rows: pd.DataFrame, readers: Mapping[str, Reader]) -> Floats:
        """(N, C) log of the probabilities before calibration, in the view of these readers."""
        loader = DataLoader(self.dataset(rows, readers), batch_size=BATCH_SIZE, collate_fn=collate)
        return np.concatenate([self._log_probs(batch) for batch in loader])

    def dataset(self, rows: pd.DataFrame, readers: Mapping[str, Reader] | None = None) -> CaseDataset:
        """Rows of the table of cases as this model reads them; features of frozen encoders are stored first.

        Args:
            rows: of which targets may be unknown.
            readers: of a view; those of the plain one if None.
        """
        chosen = self.readers() | dict(self.cached) if readers is None else readers
        dataset = CaseDataset([rows], self.schema, chosen)
        for modality, reader in chosen.items():
            keep_features(reader, self.model.encoders[modality], [dataset])
        return dataset

    def _log_probs(self, batch: Batch) -> Floats:
        with torch.inference_mode():
            log_probs = self.loss.log_probabilities(self.model(batch).logits.double())
            log_probs[~torch.stack(list(batch.present.values())).any(0)] = torch.nan
        return np.asarray(log_probs.numpy())
