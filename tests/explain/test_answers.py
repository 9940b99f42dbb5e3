from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from explain.small_predictors import small_predictor
from PIL import Image

from mmskin.api.predictor import Predictor
from mmskin.encoders.hashing_text import HashingTextEncoder
from mmskin.explain.answers import Answers
from mmskin.features import Features
from mmskin.losses.class_balanced_focal import ClassBalancedFocalLoss
from mmskin.losses.cross_entropy import CrossEntropyLoss
from mmskin.schema import History

HISTORIES = [
    History({"age": 62.0, "itch": "yes"}, "it scabs and comes back and never quite heals"),
    History({"region": "arm"}),
    History({}, "new"),
    History({"bleed": "no", "grew": "unknown", "itch": "no"}),
]


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8))


def answers_of(predictor: Predictor, photo: Image.Image | None = None) -> Answers:
    return Answers(predictor.present(photo))


@pytest.mark.parametrize("fusion", ["late", "cross_attention", "metablock"])
def test_every_answer_is_the_one_of_predict(fusion: str, photo: Image.Image) -> None:
    predictor = small_predictor(fusion)
    answers = answers_of(predictor, photo)
    asked = [(history, with_photo) for history in HISTORIES for with_photo in (True, False)]
    for history, with_photo in asked:
        if not with_photo and fusion == "metablock" and not history.fields:
            continue
        alone = predictor.predict(photo if with_photo else None, history.fields, history.text).probabilities
        together = answers(HISTORIES, photos=None if with_photo else frozenset())[HISTORIES.index(history)]
        assert dict(zip(predictor.schema.classes, together, strict=True)) == pytest.approx(alone, abs=1e-6)


def test_what_was_asked_before_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    forward = HashingTextEncoder.forward

    def counted(self: HashingTextEncoder, inputs: dict[str, torch.Tensor]) -> object:
        read.append(len(inputs["ids"]))
        return forward(self, inputs)

    monkeypatch.setattr(HashingTextEncoder, "forward", counted)
    answers = answers_of(small_predictor("text_only"))
    first = answers([*HISTORIES, *HISTORIES])
    assert sum(read) == 4
    assert np.array_equal(answers(HISTORIES[:1]), first[4:5])
    assert sum(read) == 4


def test_nothing_is_the_shares_of_training_and_what_late_fusion_says_by_itself() -> None:
    # Class counts 6, 3, 1; at a temperature of 1.5 shares count to the power of 2/3.
    expected = np.array([0.6, 0.3, 0.1]) ** (2 / 3)
    predictor = small_predictor("late")
    answers = answers_of(predictor)
    predictor.trained.model.fusion.set_prior(torch.tensor([0.6, 0.3, 0.1]))
    assert answers.nothing() == pytest.approx(expected / expected.sum(), abs=1e-6)
    with torch.no_grad():
        own = predictor.trained.model(answers.batch([answers.question(History())])).logits
    assert predictor.trained.calibrated(own).numpy()[0] == pytest.approx(answers.nothing(), abs=1e-6)
    assert np.array_equal(answers([History()])[0], answers.nothing())


def test_nothing_is_the_shares_of_training_for_sigmoids_too() -> None:
    predictor = small_predictor("text_only")
    predictor.trained.model.fusion.set_prior(torch.tensor([0.6, 0.3, 0.1]))
    for loss in (ClassBalancedFocalLoss([6, 3, 1], form="sigmoid"), CrossEntropyLoss([6, 3, 1])):
        answers = answers_of(Predictor(replace(predictor.trained, loss=loss, temperature=1.0)))
        assert answers.nothing() == pytest.approx([0.6, 0.3, 0.1], abs=1e-6)
        assert np.array_equal(answers([*HISTORIES, History()])[-1], answers.nothing())


def test_photos_of_a_model_that_reads_none_are_not_encoded(photo: Image.Image) -> None:
    def encoded(fusion: str, given: object) -> dict[str, list[Features]]:
        predictor = small_predictor(fusion)
        return predictor.present(given).of(predictor.trained).encoded

    assert encoded("text_only", photo) == {}
    assert encoded("late", None) == {}
    assert len(encoded("late", [photo, photo])["image"]) == 2
