"""One case, asked many times: its photos are encoded once, each history that differs is encoded once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmskin.features import Features
from mmskin.inputs.batch import Batch, Case, Row, collate
from mmskin.inputs.note import render_note
from mmskin.inputs.readers import ColumnsReader
from mmskin.losses.loss_contract import Loss
from mmskin.model.classifier import MultimodalClassifier
from mmskin.schema import History, Schema

Floats = NDArray[np.float64]
CHUNK = 32  # histories in one batch; short and long notes go apart, so little is padded


class Question(NamedTuple):
    """What the model is shown of a case: whether its photos, the note ("" for none), the history behind its columns."""

    photo: bool
    note: str
    history: History


class Answers:
    """Calibrated probabilities of one case under any history.

    Args:
        model: in eval mode; it is not changed.
        loss: the link from logits to probabilities.
        schema: the declaration that words the note.
        temperature: of the calibration.
        photos: the case's photos, encoded; none if it has none or the model reads none.
    """

    def __init__(
        self, model: MultimodalClassifier, loss: Loss, schema: Schema, temperature: float, photos: Sequence[Features]
    ) -> None:
        self.model, self.loss, self.schema, self.temperature = model, loss, schema, temperature
        self.photos = list(photos)
        self.known: dict[Hashable, Floats] = {}

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.model.encoders)

    def __call__(self, histories: Sequence[History], *, photo: bool = True) -> Floats:
        """(N, C) probabilities; where nothing is present at all, what `nothing` gives."""
        return self.ask([self.question(history, photo=photo) for history in histories])

    def question(self, history: History, *, photo: bool = True) -> Question:
        note = render_note(history, self.schema) if "text" in self.modalities else ""
        return Question(photo and bool(self.photos), note, history)

    def ask(self, questions: Sequence[Question]) -> Floats:
        """(N, C) probabilities; a question that was asked before is not asked again."""
        keys = [self._key(question) for question in questions]
        new = {key: question for key, question in zip(keys, questions, strict=True) if key not in self.known}
        waiting = sorted(new.items(), key=lambda item: len(item[1].note))
        for start in range(0, len(waiting), CHUNK):
            chunk = waiting[start : start + CHUNK]
            with torch.inference_mode():
                batch = self.batch([question for _, question in chunk])
                answers = self.probabilities(self.model(batch).logits).numpy()
            there = torch.stack(list(batch.present.values())).any(0).numpy()
            answers = np.where(there[:, None], answers, self.nothing())
            self.known |= {key: answer for (key, _), answer in zip(chunk, answers, strict=True)}
        return np.stack([self.known[key] for key in keys])

    def nothing(self) -> Floats:
        """(C,) what is said of a case of which nothing is known: the class shares of training.

        They go through the same link and temperature as every answer, which makes them just what late fusion answers
        with nothing present. A model's own answer without any modality would be no better founded: fusions promise
        answers to non-empty subsets only, and none is trained on an empty one.
        """
        log_prior = self.model.fusion.log_prior[None].double()
        raw = self.loss.probabilities(log_prior) if self.loss.gives_posterior else log_prior.exp()
        return np.asarray(self._calibrated(raw)[0])

    def probabilities(self, logits: Tensor) -> Tensor:
        """(B, C) float64, calibrated, differentiable."""
        return self._calibrated(self.loss.probabilities(logits.double()))

    def _calibrated(self, raw: Tensor) -> Tensor:
        return torch.softmax(raw.clamp_min(1e-12).log() / self.temperature, dim=-1)

    def batch(self, questions: Sequence[Question]) -> Batch:
        """What the model reads of the questions, in order."""
        return collate([Case(self._rows(question), -1, "") for question in questions])

    def _rows(self, question: Question) -> dict[str, list[Row]]:
        rows: dict[str, list[Row]] = {}
        for modality, encoder in self.model.encoders.items():
            if modality == "image":
                rows[modality] = list(self.photos) if question.photo else []
            elif modality == "text":
                rows[modality] = [encoder.prepare(question.note)] if question.note else []
            else:
                rows[modality] = ColumnsReader(encoder.prepare)("", (), question.history, 0)
        return rows

    def _key(self, question: Question) -> Hashable:
        columns = tuple(sorted(question.history.recorded().items())) if "metadata" in self.modalities else ()
        return question.photo, question.note, columns
