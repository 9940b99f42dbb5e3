"""One case, asked many times: its photos are encoded once, each history that differs is encoded once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmskin.features import Features, is_photo
from mmskin.inputs.batch import Batch, Case, collate
from mmskin.inputs.note import render_note
from mmskin.inputs.readers import RawCase, read_case
from mmskin.schema import History, Schema
from mmskin.trained.calibration import at_temperature
from mmskin.trained.parts_there import parts_there
from mmskin.trained.presented_case import PresentedCase
from mmskin.trained.safeguards import calibrated, guarded, validation_shares
from mmskin.trained.trained_model import TrainedModel

Floats = NDArray[np.float64]
CHUNK = 32  # histories in one batch; short and long notes go apart, so little is padded


class Question(NamedTuple):
    """What the model is shown of a case: which kinds of photos, the note ("" for none), the history behind columns."""

    photos: frozenset[str]
    note: str
    history: History


class Answers:
    """Calibrated probabilities of one case under any history.

    Args:
        presented: the case; its own history is not read here.
    """

    def __init__(self, presented: PresentedCase) -> None:
        self.presented, self.trained = presented, presented.trained
        self.photos = frozenset(kind for kind, photos in presented.photos.items() if photos)
        self.guarded = guarded(self.trained)
        self.readers = {id(model): model.readers() for model in self.trained.models}
        self.asked: dict[Hashable, Floats] = {}

    @property
    def schema(self) -> Schema:
        return self.trained.schema

    @property
    def reads_history(self) -> bool:
        return not all(is_photo(modality) for modality in self.trained.modalities)

    def __call__(self, histories: Sequence[History], *, photos: frozenset[str] | None = None) -> Floats:
        """(N, C) probabilities with these kinds of photos, all if None; what `nothing` gives where nothing is there."""
        return self.ask([self.question(history, photos=photos) for history in histories])

    def question(self, history: History, *, photos: frozenset[str] | None = None) -> Question:
        note = render_note(history, self.schema) if "text" in self.trained.modalities else ""
        return Question(self.photos if photos is None else photos & self.photos, note, history)

    def ask(self, questions: Sequence[Question]) -> Floats:
        """(N, C) probabilities; a question that was asked before is not asked again."""
        keys = [self._key(question) for question in questions]
        new = {key: question for key, question in zip(keys, questions, strict=True) if key not in self.asked}
        waiting = sorted(new.items(), key=lambda item: len(item[1].note))
        for start in range(0, len(waiting), CHUNK):
            chunk = waiting[start : start + CHUNK]
            answers = self._answers([question for _, question in chunk])
            answers = np.where(np.isnan(answers), self.nothing(), answers)
            self.asked |= {key: answer for (key, _), answer in zip(chunk, answers, strict=True)}
        return np.stack([self.asked[key] for key in keys])

    def _answers(self, questions: Sequence[Question]) -> Floats:
        """(N, C); NaN where nothing is there."""
        parts = [self.parts(question) for question in questions]
        return calibrated(
            self.trained, lambda model: model.of_views(self.views(questions, model)), parts, models=self.guarded
        )

    def parts(self, question: Question) -> str:
        """The key of the parts that a question shows."""
        modalities = self.trained.modalities
        of_history = {"text": bool(question.note), "metadata": bool(question.history.recorded())}
        return parts_there(
            modalities, {name: name in question.photos or of_history.get(name, False) for name in modalities}
        )

    def nothing(self) -> Floats:
        """(C,) what is said of a case of which nothing is known: the class shares of the validation cases.

        Of a model without safeguards those of training. They go through the same link and temperature as every answer,
        which makes them just what late fusion answers with nothing present. A model's own answer without any modality
        would be no better founded: fusions promise answers to non-empty subsets only, and none is trained on an empty
        one.
        """
        if self.guarded:
            return validation_shares(self.trained)
        nothing: Floats = self.trained.answered(_nothing)[0]
        return nothing

    def batch(self, questions: Sequence[Question], model: TrainedModel | None = None) -> Batch:
        """What a model reads of the questions, photos as they are; the first model of an ensemble if none is named."""
        return self.views(questions, model or self.trained.models[0])[0]

    def views(self, questions: Sequence[Question], model: TrainedModel) -> list[Batch]:
        """What a model reads of the questions, in order, in every view of the photos."""
        of_views = self.presented.of(model).encoded_views
        return [collate([self._case(question, model, encoded) for question in questions]) for encoded in of_views]

    def _case(self, question: Question, model: TrainedModel, encoded: Mapping[str, list[Features]]) -> Case:
        readers = self.readers[id(model)]
        photos = {kind: rows for kind, rows in encoded.items() if kind in question.photos}
        others = {modality: read for modality, read in readers.items() if modality != "text"}
        case = read_case(others, RawCase("", photos, question.history))
        if "text" not in readers:
            return case
        prepare = model.encoders["text"].prepare  # of a note that may be shorter than the history's own
        return case._replace(rows=case.rows | {"text": [prepare(question.note)] if question.note else []})

    def _key(self, question: Question) -> Hashable:
        columns = tuple(sorted(question.history.recorded().items())) if "metadata" in self.trained.modalities else ()
        return question.photos, question.note, columns


def _nothing(model: TrainedModel) -> Floats:
    """(1, C) what one model says of a case of which nothing is known."""
    log_prior, loss = model.model.fusion.log_prior[None].double(), model.loss
    return np.asarray(at_temperature(loss.of_posterior(log_prior).numpy(), model.temperature))
