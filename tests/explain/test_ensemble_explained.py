"""Explanations of an ensemble are of its own answer, but for the maps, which are the mean of its models'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from explain.small_predictors import linear_predictor, small_predictor
from explain.test_check import rows_of
from PIL import Image
from trained.test_ensemble import ensemble

from mmskin.api.predictor import Predictor
from mmskin.explain.answers import Answers
from mmskin.explain.explainer import Explainer
from mmskin.explain.explanation_check import check_explanations
from mmskin.explain.photo_map import map_of
from mmskin.schema import History
from mmskin.trained.ensemble import Ensemble

FIELDS = {"age": "62", "itch": "yes", "bleed": "no"}


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8))


def test_words_of_two_linear_models_are_worth_the_mean() -> None:
    """p(MEL) is .2 + words in one model, .2 + 1.5 x words in the other."""
    one, other = linear_predictor().trained, linear_predictor().trained
    encoder = other.models[0].model.encoders["text"]
    embed = encoder.embed
    encoder.embed = lambda inputs: 1.5 * embed(inputs)
    found = Explainer(Ensemble((one, other))).explain(None, {"itch": "yes", "bleed": "yes"}, target="MEL").words
    assert found is not None
    assert found.method == "integrated gradients"
    assert found.words == ("Itches.", "Bleeds.")
    assert found.values == pytest.approx((0.125, 0.375), abs=1e-5)  # (.1 + .15) / 2, (.3 + .45) / 2
    assert (found.baseline_score, found.score) == pytest.approx((0.2, 0.7), abs=1e-5)


def test_every_part_adds_up_to_the_answer_of_the_ensemble(photo: Image.Image) -> None:
    both = ensemble(0.0, 0.7, temperature=1.5)
    predictor = Predictor(both)
    said = predictor.predict(photo, FIELDS, "it scabs").probabilities
    found = Explainer(both).explain(photo, FIELDS, "it scabs")
    assert dict(found.probabilities) == pytest.approx(said)
    score = said[found.target]
    assert found.shares.score == pytest.approx(score)
    assert sum(found.shares.points.values()) == pytest.approx(score - found.nothing[found.target])
    assert found.fields is not None
    assert found.words is not None
    assert found.fields.score == pytest.approx(score)
    assert found.words.score == pytest.approx(score, abs=1e-6)
    assert found.words.completeness_error < 0.01


def test_answers_to_any_history_are_those_of_predict(photo: Image.Image) -> None:
    predictor = Predictor(ensemble(0.0, 0.7))
    answers = Answers(predictor.present(photo))
    for history in (History({"age": 62.0}, "it grew"), History({"itch": "no"}), History({}, "new")):
        said = predictor.predict(photo, history.fields, history.text).probabilities
        assert dict(zip(predictor.schema.classes, answers([history])[0], strict=True)) == pytest.approx(said)


def test_with_nothing_known_the_answer_is_the_mean_of_what_the_models_say() -> None:
    priors = [torch.tensor([0.6, 0.3, 0.1]), torch.tensor([0.2, 0.2, 0.6])]
    models = [replace(small_predictor("late").trained.models[0], temperature=1.0) for _ in priors]
    for model, prior in zip(models, priors, strict=True):
        model.model.fusion.set_prior(prior)
    answers = Answers(Predictor(Ensemble(tuple(models))).present(None, {}, "new"))
    assert answers.nothing() == pytest.approx([0.4, 0.25, 0.35], abs=1e-6)


def test_the_map_is_the_mean_of_the_maps_and_says_so(photo: Image.Image) -> None:
    both = ensemble(0.0, 0.7)
    predictor = Predictor(both)
    target = predictor.predict(photo, FIELDS).top
    mean = map_of(predictor.present(photo, FIELDS), target=target)
    alone = [map_of(Predictor(one).present(photo, FIELDS), target=target).heat for one in both.members]
    expected = (alone[0] + alone[1]) / 2
    assert mean.heat == pytest.approx(expected / expected.max(), abs=1e-6)
    assert "the mean of the maps of 2 models, each of the model's own answer" in mean.notes


def test_a_model_twice_explains_as_it_does_alone(photo: Image.Image) -> None:
    (alone,) = small_predictor("cross_attention").trained.models
    twice = Ensemble((alone, replace(alone)))
    one, two = (Explainer(trained).explain(photo, FIELDS, "it scabs") for trained in (alone, twice))
    assert dict(two.probabilities) == pytest.approx(dict(one.probabilities))
    assert two.words is not None
    assert one.words is not None
    assert two.words.values == pytest.approx(one.words.values, abs=1e-6)
    assert two.shares.points == pytest.approx(one.shares.points)
    assert two.photo_map is not None
    assert one.photo_map is not None
    assert two.photo_map.heat == pytest.approx(one.photo_map.heat, abs=1e-6)


def test_the_check_measures_the_first_model_and_says_so(photo: Image.Image, tmp_path: Path) -> None:
    photos = [tmp_path / f"{number}.png" for number in range(2)]
    for turned, path in enumerate(photos):
        photo.rotate(90 * turned).save(path)
    both = ensemble(0.0, 0.7)
    found = check_explanations(both, rows_of(photos), cases=2)
    assert found.left_out[0] == "the mean map of the 2 models: that of the first model was"
    alone = check_explanations(both.members[0], rows_of(photos), cases=2)
    assert [m.value for m in found.measures] == pytest.approx([m.value for m in alone.measures], nan_ok=True)
