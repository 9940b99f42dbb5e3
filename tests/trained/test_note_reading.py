from __future__ import annotations

from pathlib import Path

import pytest
import torch
from explain.small_predictors import small_predictor
from tiny_encoders import SCHEMA as TINY
from trained.scripted_reader import NOTHING, SCHEMA, scripted_predictor

from mmskin.api.predictor import Predictor
from mmskin.encoders.field_reader import Reading
from mmskin.errors import UserError
from mmskin.model.classifier import build_model
from mmskin.teaching.taught import resolved
from mmskin.trained.ensemble import Ensemble
from mmskin.trained.note_reading import read_if_taught, read_lines, read_note, say_reading, stated
from mmskin.trained.trained_model import TrainedModel


def test_a_note_is_read_for_every_field_of_the_schema_in_its_order() -> None:
    readings = scripted_predictor().read_note("It does not itch.")
    assert list(readings) == list(SCHEMA.field_names)
    assert readings == dict.fromkeys(SCHEMA.field_names, NOTHING) | {"itch": Reading("no", 0.99)}


def test_a_field_that_the_model_may_not_be_told_is_not_read() -> None:
    trained = scripted_predictor().trained
    narrower = TrainedModel(trained.model, trained.loss, SCHEMA.with_fields(["age", "itch"]), 1.0, 64)
    assert list(read_note(narrower, "sixty, on the arm")) == ["age", "itch"]


def test_stated_is_what_is_recorded_and_sure_from_nine_tenths_on() -> None:
    readings = {"age": Reading(None, 1.0), "itch": Reading("no", 0.9), "bleed": Reading("yes", 0.899)}
    assert stated(readings) == {"itch": Reading("no", 0.9)}


def test_readings_are_said_as_people_say_them() -> None:
    readings = {
        "age": Reading(60.4, 0.98), "days": Reading(183.0, 0.96), "region": Reading("arm", 0.954), "itch": NOTHING,
    }  # fmt: skip
    assert read_lines(SCHEMA, readings) == [
        "Age: 60 years", "Present for: 6 months", "Site: arm (95%)", "Itches: not recorded",
    ]  # fmt: skip
    assert say_reading(SCHEMA.field("bleed"), Reading("unknown", 1.0)) == "unknown (100%)"


def test_a_model_without_text_an_untaught_one_and_an_empty_text_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"reads metadata and no text: train one with a taught text encoder"):
        small_predictor("metadata_only").read_note("It itches")
    with pytest.raises(UserError, match=r"was not taught the fields: set encoders\.text\.taught"):
        scripted_predictor(is_taught=False).read_note("It itches")
    with pytest.raises(UserError, match=r"text='  ' holds nothing to read"):
        scripted_predictor().read_note("  ")


def test_an_encoder_that_was_trained_further_is_refused_and_reads_nothing_by_the_way() -> None:
    predictor = scripted_predictor()
    learning = torch.nn.Linear(1, 1)
    predictor.trained.encoders["text"].add_module("learning", learning)
    with pytest.raises(UserError, match="trained further after it was taught"):
        predictor.read_note("It does not itch.")
    assert read_if_taught(predictor.trained, "It does not itch.") is None


def test_without_text_or_a_taught_encoder_nothing_is_read() -> None:
    assert read_if_taught(scripted_predictor().trained, None) is None
    assert read_if_taught(scripted_predictor(is_taught=False).trained, "It does not itch.") is None
    assert read_if_taught(small_predictor("metadata_only").trained, "It does not itch.") is None


def test_an_ensemble_reads_as_its_models_do() -> None:
    both = Ensemble((scripted_predictor().trained, scripted_predictor().trained))
    assert Predictor(both).read_note("It does not itch.")["itch"] == Reading("no", 0.99)
    answer = Predictor(both).predict(metadata={"itch": "yes"}, text="It does not itch.")
    assert "the text says itch: no (99%), the field says yes" in answer.remarks


def test_a_taught_encoder_reads_its_own_lessons(tmp_path: Path) -> None:
    slot = {"name": "hashing", "dim": 64, "buckets": 2048, "trainable": "none", "taught": {"steps": 150}}
    encoders = {"text": resolved(slot, TINY, tmp_path, say=lambda line: None)}
    model, loss = build_model(
        encoders, {"name": "text_only"}, {"name": "cross_entropy"}, schema=TINY, class_counts=[1, 1]
    )
    predictor = Predictor(TrainedModel(model, loss, TINY, temperature=1.0, photo_side=64))
    readings = predictor.read_note("Itch: no. Region: face.")
    assert (readings["itch"].value, readings["region"].value) == ("no", "face")
    assert (readings["age"].value, readings["since"].value) == (None, None)
    assert all(0 <= reading.confidence <= 1 for reading in readings.values())
