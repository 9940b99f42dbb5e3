"""What each word of the note gave: integrated gradients on its embedding, or the answer with the word left out.

The words are those of the note that the model read, the patient's own among them. Everything else of the case, its
photos and its columns, is held fixed. Integrated gradients go from a note whose words are all replaced by *no word* (of
transformers the unknown piece; length, start and end of the note stay) to the note itself; the pieces of a word are
added up. That note is not quite no note: `baseline_score` says what the model makes of it.

An encoder that does not run from embeddings (the text tower of open_clip) is asked with each word left out in turn:
these values need not add up to anything, and say so by their method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mmskin.encoders.encoder_contract import WordEncoder
from mmskin.explain.answers import Answers
from mmskin.explain.integrated_gradients import integrated_gradients
from mmskin.features import Features
from mmskin.schema import History

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


def word_values(answers: Answers, history: History, code: int) -> WordValues | None:
    """The values of the note's words for the class of this code; None where the model reads no note."""
    note = answers.question(history).note
    if not note:
        return None
    encoder = answers.trained.model.encoders["text"]
    if isinstance(encoder, WordEncoder):
        return _by_gradient(answers, encoder, history, code)
    return _by_leaving_out(answers, history, code)


def _by_gradient(answers: Answers, encoder: WordEncoder, history: History, code: int) -> WordValues:
    question = answers.question(history)
    words = question.note.split()
    inputs = {key: tensor[None] for key, tensor in encoder.prepare(question.note).items()}
    word_of_row = torch.tensor(encoder.words_of(question.note))
    with torch.no_grad():
        features, present = answers.trained.model.encode(answers.batch([question]))
        embedded = encoder.embed(inputs)[0]
        blank = torch.where((word_of_row >= 0)[:, None], encoder.no_word(), embedded)

    def score(rows: Tensor) -> Tensor:
        count = len(rows)
        read = encoder.from_embeddings(rows, {key: _repeat(tensor, count) for key, tensor in inputs.items()})
        others = {modality: _repeat_features(held, count) for modality, held in features.items()}
        there = {modality: _repeat(flag, count) for modality, flag in present.items()}
        logits = answers.trained.model.classify(others | {"text": read}, there).logits
        return answers.trained.calibrated(logits)[:, code]

    found = integrated_gradients(score, embedded, blank)
    by_row = found.attributions.double().flatten(1).sum(1)
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


def _by_leaving_out(answers: Answers, history: History, code: int) -> WordValues:
    question = answers.question(history)
    words = question.note.split()
    shorter = [" ".join(words[:index] + words[index + 1 :]) for index in range(len(words))]
    asked = answers.ask([question, question._replace(note=""), *(question._replace(note=note) for note in shorter)])
    score, baseline_score, *without = asked[:, code].tolist()
    values = tuple(score - left_out for left_out in without)
    return WordValues(tuple(words), values, "leaving one word out", score, baseline_score, float("nan"))


def _repeat(tensor: Tensor, count: int) -> Tensor:
    return tensor.expand(count, *tensor.shape[1:])


def _repeat_features(features: Features, count: int) -> Features:
    return Features(*(None if part is None else _repeat(part, count) for part in features))  # type: ignore[arg-type]
