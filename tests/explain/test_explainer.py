from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from explain.small_predictors import PAIR, AnyPhoto, linear_predictor, small_predictor
from PIL import Image
from torch import nn
from trained.scripted_reader import scripted_predictor

from mmskin.errors import DataError, UserError
from mmskin.explain.explainer import Explainer, read_history_file
from mmskin.explain.integrated_gradients import bound
from mmskin.fusion import FUSIONS
from mmskin.report.explanation_sentences import sentences

FIELDS = {"age": 62, "region": "arm", "itch": "yes", "bleed": "unknown"}


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8))


def test_a_linear_model_gives_the_values_worked_out_by_hand(photo: Image.Image) -> None:
    # p(MEL) = .2 + .15 photo + .1 itch + .3 bleed − .05 grew + .08 "scabs" = .78. Nothing interacts: every Shapley
    # value and every integrated gradient is the term itself. Without a photo or a word it is .2.
    explanation = Explainer(linear_predictor().trained).explain(
        photo, {"itch": "yes", "bleed": "yes", "grew": "yes"}, "scabs"
    )
    assert explanation.probabilities == pytest.approx({"MEL": 0.78, "NEV": 0.22}, abs=1e-6)
    assert explanation.nothing == pytest.approx({"MEL": 0.2, "NEV": 0.8}, abs=1e-6)
    shares = explanation.shares
    assert shares.points == pytest.approx({"photo": 0.15, "words": 0.08, "fields": 0.35}, abs=1e-6)
    assert (shares.score, shares.baseline_score) == pytest.approx((0.78, 0.2), abs=1e-6)
    assert shares.alone["photo"] == pytest.approx({"NEV": 0.65, "MEL": 0.35}, abs=1e-6)
    assert shares.alone["history"] == pytest.approx({"MEL": 0.63, "NEV": 0.37}, abs=1e-6)
    fields, words = explanation.fields, explanation.words
    assert fields is not None
    assert words is not None
    points = {field.name: field.points for field in fields.fields}
    assert points == pytest.approx({"itch": 0.1, "bleed": 0.3, "grew": -0.05}, abs=1e-6)
    assert (fields.is_exact, fields.coalitions) == (True, 8)
    assert words.words == ("Itches.", "Bleeds.", "Grew.", "Patient:", '"scabs"')
    assert words.values == pytest.approx((0.1, 0.3, -0.05, 0, 0.08), abs=1e-6)
    assert (words.score, words.baseline_score) == pytest.approx((0.78, 0.35), abs=1e-6)


def test_the_photo_is_encoded_once_for_all_histories(photo: Image.Image) -> None:
    predictor = linear_predictor()
    encoder = predictor.trained.model.encoders["image"]
    assert isinstance(encoder, AnyPhoto)
    Explainer(predictor.trained).explain(photo, {"itch": "yes", "bleed": "yes", "grew": "yes"}, "scabs")
    assert encoder.encoded == 1


def test_the_class_asked_for_is_the_one_explained(photo: Image.Image) -> None:
    explanation = Explainer(linear_predictor().trained).explain(photo, {"bleed": "yes"}, target="NEV")
    assert explanation.shares.points == pytest.approx({"photo": -0.15, "fields": -0.3}, abs=1e-6)
    assert "what is explained here is Naevus, at 35%" in sentences(explanation)[0]
    with pytest.raises(UserError, match=r"class 'mel' does not exist\. Did you mean 'MEL'"):
        Explainer(linear_predictor().trained).explain(photo, target="mel")


def test_sentences_say_it_in_order(photo: Image.Image) -> None:
    # Without a photo: .2 + .1 + .3 = .6 for MEL; with bleed = no it would be .2 + .1 − .15 = .15, with unknown .3.
    said = sentences(Explainer(linear_predictor().trained).explain(None, {"itch": "yes", "bleed": "yes"}))
    assert said == [
        "The most likely class is Melanoma, at 60%. Before anything is known of the case it is 20%.",
        "Of the +40.0 points between the two come: the recorded facts +40.0.",
        "Among the facts, for it: “Bleed: yes” +30.0, “Itch: yes” +10.0.",
        "The smallest single change that turns the answer: with “Bleed” no instead of yes it would be Naevus (85%).",
    ]


def test_what_was_read_in_the_free_text_is_listed() -> None:
    explanation = Explainer(scripted_predictor().trained).explain(text="It does not itch.")
    assert explanation.read == ("Itches: no (99%)",)
    assert explanation.to_json()["read"] == ["Itches: no (99%)"]
    assert sentences(explanation)[-1] == "Read in the free text: Itches: no (99%)."
    nothing = Explainer(scripted_predictor().trained).explain(text="The weather was fine.")
    assert not any("was read" in sentence for sentence in sentences(nothing))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_is_explained_and_every_part_adds_up(fusion: str, photo: Image.Image) -> None:
    predictor = small_predictor(fusion)
    reads = predictor.modalities
    explanation = Explainer(predictor.trained).explain(photo, FIELDS, "it scabs and comes back")
    shares, words, fields = explanation.shares, explanation.words, explanation.fields
    expected = {"photo": "image" in reads, "words": "text" in reads, "fields": reads != ("image",)}
    assert {part: part in shares.points for part in expected} == expected
    score = explanation.probabilities[explanation.target]
    assert shares.score == pytest.approx(score, abs=1e-5)
    assert abs(sum(shares.points.values()) - (score - shares.baseline_score)) <= bound(score - shares.baseline_score)
    assert sum(explanation.nothing.values()) == pytest.approx(1)
    assert (words is not None) == ("text" in reads)
    if words is not None:
        assert words.method == "integrated gradients"
        assert words.score == pytest.approx(score, abs=1e-5)
        assert words.completeness_error <= bound(words.score - words.baseline_score)
        assert any(words.values)
    assert (fields is not None) == (reads != ("image",))
    if fields is not None:
        assert [field.name for field in fields.fields] == list(FIELDS)
        total = sum(field.points for field in fields.fields)
        assert abs(total - (fields.score - fields.baseline_score)) < 1e-9
    assert (explanation.heatmap is not None) == ("image" in reads)
    assert (len(explanation.changes) > 0) == (reads != ("image",))
    json.dumps(explanation.to_json(), allow_nan=False)


@pytest.mark.parametrize("fusion", ["late", "cross_attention"])
def test_neighbours_do_not_change_an_explanation_and_it_changes_no_answer(fusion: str, photo: Image.Image) -> None:
    predictor = small_predictor(fusion)
    cases: list[tuple[Any, ...]] = [(photo, FIELDS, "it scabs"), (None, {"itch": "no"}, "nothing new for years now")]
    answers = [predictor.predict(*case).probabilities for case in cases]
    state = {name: tensor.clone() for name, tensor in predictor.trained.model.state_dict().items()}
    explainer = Explainer(predictor.trained)
    alone = explainer.explain(*cases[0]).to_json()
    explainer.explain(*cases[1])
    assert explainer.explain(*cases[0]).to_json() == alone
    assert [predictor.predict(*case).probabilities for case in cases] == answers
    assert all(torch.equal(state[name], tensor) for name, tensor in predictor.trained.model.state_dict().items())
    for module in predictor.trained.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks
    assert all(parameter.grad is None for parameter in predictor.trained.model.parameters())
    assert not predictor.trained.model.training


def test_more_fields_than_asked_for_exactly_are_sampled_with_errors(photo: Image.Image) -> None:
    predictor = small_predictor("concat", "image", "metadata")
    exact = Explainer(predictor.trained).explain(photo, FIELDS).fields
    drawn = Explainer(predictor.trained, exact_fields=3, pairs=4).explain(photo, FIELDS).fields
    assert exact is not None
    assert drawn is not None
    assert (exact.is_exact, drawn.is_exact) == (True, False)
    assert all(field.error == 0 for field in exact.fields)
    assert any(field.error > 0 for field in drawn.fields)
    assert drawn.completeness_error < 1e-9
    for one, other in zip(exact.fields, drawn.fields, strict=True):
        assert abs(one.points - other.points) <= 4 * other.error + 1e-4


def test_a_text_tower_that_does_not_run_from_embeddings_is_asked_word_by_word(tmp_path: Path) -> None:
    from tiny_encoders import write_clip_config

    config = str(write_clip_config(tmp_path))
    predictor = small_predictor("text_only", text={"name": "open_clip", "model": config})
    explanation = Explainer(predictor.trained).explain(None, None, "it grew", target="MEL")
    words = explanation.words
    assert words is not None
    assert words.method == "leaving one word out"
    assert words.words == ("Patient:", '"it', 'grew"')
    encoder = predictor.trained.model.encoders["text"]
    with torch.no_grad():  # the note without its second word, asked of the model itself
        rows = {key: tensor[None] for key, tensor in encoder.prepare('Patient: grew"').items()}
        present = {"text": torch.tensor([True])}
        probs = (predictor.trained.model.classify({"text": encoder(rows)}, present).logits.double() / 1.5).softmax(-1)
    assert words.values[1] == pytest.approx(explanation.probabilities["MEL"] - float(probs[0, 1]), abs=1e-6)
    assert explanation.to_json()["words"]["completeness_error"] is None


def test_several_photos_and_a_photo_alone(photo: Image.Image) -> None:
    predictor = small_predictor("late")
    two = Explainer(predictor.trained).explain([photo, photo.rotate(90)], FIELDS)
    expected = predictor.predict([photo, photo.rotate(90)], FIELDS).probabilities
    assert two.shares.score == pytest.approx(expected[two.target], abs=1e-5)
    alone = Explainer(predictor.trained).explain(photo)
    assert (alone.words, alone.fields, set(alone.shares.points)) == (None, None, {"photo"})
    assert {change.was for change in alone.changes} == {None}


def test_a_history_file_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text('{"fields": {"age": 62}, "text": "it itches"}')
    assert read_history_file(path) == ({"age": 62}, "it itches")
    path.write_text("{}")
    assert read_history_file(path) == ({}, None)
    for wrong in ('{"age": 62}', "[1]", '{"fields": [1]}', '{"text": 5}'):
        path.write_text(wrong)
        with pytest.raises(DataError, match="must look like"):
            read_history_file(path)
    path.write_text("{")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        read_history_file(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_history_file(tmp_path / "nothing.json")


def test_training_mode_is_not_needed_nor_left() -> None:
    predictor = small_predictor("text_only")
    dropout = [module for module in predictor.trained.model.modules() if isinstance(module, nn.Dropout)]
    Explainer(predictor.trained).explain(None, FIELDS)
    assert dropout
    assert not any(module.training for module in dropout)


# --- several kinds of photo ---


def test_each_kind_of_photo_has_a_map_that_only_its_own_photo_moves(photo: Image.Image) -> None:
    predictor = small_predictor("cross_attention", *PAIR, "text", photos=PAIR)
    explainer, other = Explainer(predictor.trained), photo.rotate(90).resize((70, 90))
    found = explainer.explain({"clinical": photo, "dermoscopic": other}, {"itch": "yes"})
    assert list(found.photos) == list(found.photo_maps) == list(found.heatmaps) == list(PAIR)
    assert found.photo is not None
    assert (found.photo.size, found.photos["dermoscopic"].size) == (photo.size, (70, 90))
    assert found.heatmaps["dermoscopic"].size == (70, 90)
    for kind, given in found.photo_maps.items():
        asked = predictor.photo_map({"clinical": photo, "dermoscopic": other}, {"itch": "yes"}, kind=kind)
        np.testing.assert_array_equal(given.heat, asked.heat)
    shares = found.shares
    assert list(shares.points) == ["clinical photo", "dermoscopic photo", "fields"]
    assert sum(shares.points.values()) == pytest.approx(shares.score - shares.baseline_score, abs=1e-6)
    alone = {kind: predictor.predict({kind: image}).probabilities for kind, image in found.photos.items()}
    for kind, probabilities in alone.items():
        assert shares.alone[f"{kind} photo"] == pytest.approx(probabilities, abs=1e-6)


def test_of_several_photos_of_a_kind_the_first_is_mapped_and_a_kind_without_photo_is_left_out(
    photo: Image.Image,
) -> None:
    explainer = Explainer(small_predictor("late", *PAIR, photos=PAIR).trained)
    found = explainer.explain({"dermoscopic": [photo, photo.rotate(180)]})
    assert (list(found.photos), list(found.photo_maps)) == (["dermoscopic"], ["dermoscopic"])
    assert found.photo_map is found.photo_maps["dermoscopic"]
    assert any("the photos are judged apart in this model" in note for note in found.photo_map.notes)
    with pytest.raises(UserError, match="say which a photo is"):
        explainer.explain(photo)
