"""What each word of the note gave: integrated gradients on its embedding, or the answer with the word left out.

The words are those of the note that the model read, the patient's own among them. Everything else of the case, its
photos and its columns, is held fixed. Integrated gradients go from a note whose words are all replaced by *no word* (of
transformers the unknown piece; length, start and end of the note stay) to the note itself; the pieces of a word are
added up. That note is not quite no note: `baseline_score` says what the model makes of it.

An encoder that does not run from embeddings (the text tower of open_clip) is asked with each word left out in turn:
these values need not add up to anything, and say so by their method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from mmskin.encoders.encoder_contract import WordEncoder
from mmskin.explain.answers import Answers, Question
from mmskin.explain.integrated_gradients import integrated_gradients
from mmskin.features import Features
from mmskin.note_words import note_words
from mmskin.schema import History
from mmskin.trained.safeguards import calibrated
from mmskin.trained.trained_model import TrainedModel

Method = Literal["integrated gradients", "leaving one word out"]


@dataclass(frozen=True)
class WordValues:
    """words: of the note, split at white space; values: how much each raised the probability of the explained class.

    score, baseline_score: the probability with the note and with no words in it, everything else as it is.
    completeness_error: |Σ values − (score − baseline_score)|; NaN for values that do not claim to add up.
    steps: at which the gradient was taken, 0 if it was not.
    """

    words: tuple[str, ...]
    values: tuple[float, ...]
    method: Method
    score: float
    baseline_score: float
    completeness_error: float
    steps: int = 0


class EmbeddedNote(NamedTuple):
    """A note in one model, with everything else of the case held fixed.

    model: that reads it.
    inputs: (1, …) what the text encoder's `prepare` gave.
    word_of_row: (T,) of each row, which word it is of; -1 for none.
    embedded, blank: (T, E), the note, and the note without words.
    views: for every view of the photos, the features of all modalities and which are present, (1, …).
    """

    model: TrainedModel
    inputs: dict[str, Tensor]
    word_of_row: tuple[int, ...]
    embedded: Tensor
    blank: Tensor
    views: list[tuple[dict[str, Features], dict[str, Tensor]]]

    def answer(self, rows: Tensor) -> Tensor:
        """(N, T, E) in place of the embedded note → (N, C) calibrated probabilities, differentiable."""
        count, encoder = len(rows), self.model.encoders["text"]
        assert isinstance(encoder, WordEncoder)
        read = encoder.from_embeddings(rows, {key: _repeat(tensor, count) for key, tensor in self.inputs.items()})
        logits = []
        for features, present in self.views:
            others = {modality: _repeat_features(held, count) for modality, held in features.items()}
            there = {modality: _repeat(flag, count) for modality, flag in present.items()}
            logits.append(self.model.model.classify(others | {"text": read}, there).logits)
        return self.model.calibrated(*logits)


def word_values(answers: Answers, history: History, code: int) -> WordValues | None:
    """The values of the note's words for the class of this code; None where the model reads no note.

    Of an ensemble the gradient is that of its own answer, through all its models at once.
    """
    question = answers.question(history)
    if not question.note:
        return None
    read = [_embedded(answers, model, question) for model in answers.trained.models]
    notes = [note for note in read if note is not None]
    is_alike = len({note.word_of_row for note in notes}) == 1  # of models that cut words into the same pieces
    if len(notes) == len(read) and is_alike:
        return _by_gradient(answers, notes, question, code)
    return _by_leaving_out(answers, question, code)


def _embedded(answers: Answers, model: TrainedModel, question: Question) -> EmbeddedNote | None:
    """The note as a model's encoder embeds it; None of an encoder that does not run from embeddings."""
    encoder = model.encoders["text"]
    if not isinstance(encoder, WordEncoder):
        return None
    inputs = {key: tensor[None] for key, tensor in encoder.prepare(question.note).items()}
    word_of_row = tuple(encoder.words_of(question.note))
    with torch.no_grad():
        views = [model.model.encode(batch) for batch in answers.views([question], model)]
        embedded = encoder.embed(inputs)[0]
        blank = torch.where(torch.tensor(word_of_row)[:, None] >= 0, encoder.no_word(), embedded)
    return EmbeddedNote(model, inputs, word_of_row, embedded, blank, views)


def _by_gradient(answers: Answers, notes: Sequence[EmbeddedNote], question: Question, code: int) -> WordValues:
    """The notes of all models side by side, so that one path leads through the ensemble's own answer."""
    words = note_words(question.note)
    widths = [note.embedded.shape[-1] for note in notes]

    def score(rows: Tensor) -> Tensor:
        parts = torch.split(rows, widths, dim=-1)
        by_model = {id(note.model): (note, part) for note, part in zip(notes, parts, strict=True)}

        def ask(model: TrainedModel) -> Tensor:
            note, part = by_model[id(model)]
            return note.answer(part)

        return calibrated(answers.trained, ask, answers.parts(question), models=answers.guarded)[:, code]

    embedded, blank = (torch.cat([getattr(note, end) for note in notes], dim=-1) for end in ("embedded", "blank"))
    found = integrated_gradients(score, embedded, blank)
    by_row = found.attributions.double().flatten(1).sum(1)
    word_of_row = torch.tensor(notes[0].word_of_row)
    is_word = word_of_row >= 0
    values = torch.zeros(len(words), dtype=torch.float64).index_add(0, word_of_row[is_word], by_row[is_word])
    off = abs(float(values.sum()) - (found.score - found.baseline_score))
    return WordValues(
        tuple(words),
        tuple(values.tolist()),
        "integrated gradients",
        found.score,
        found.baseline_score,
        off,
        found.steps,
    )


def _by_leaving_out(answers: Answers, question: Question, code: int) -> WordValues:
    words = note_words(question.note)
    shorter = [" ".join(words[:index] + words[index + 1 :]) for index in range(len(words))]
    asked = answers.ask([question, question._replace(note=""), *(question._replace(note=note) for note in shorter)])
    score, baseline_score, *without = asked[:, code].tolist()
    values = tuple(score - left_out for left_out in without)
    return WordValues(tuple(words), values, "leaving one word out", score, baseline_score, float("nan"))


def _repeat(tensor: Tensor, count: int) -> Tensor:
    return tensor.expand(count, *tensor.shape[1:])


def _repeat_features(features: Features, count: int) -> Features:
    return Features(*(None if part is None else _repeat(part, count) for part in features))  # type: ignore[arg-type]
