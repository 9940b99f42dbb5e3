"""What `mmskin describe MODEL` tells, from the model's own files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from explain.small_predictors import small_predictor

from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.model_description import describe_model, model_facts
from mmskin.schema import Field, Schema
from mmskin.trained.ensemble import Ensemble
from mmskin.trained.run_models import load_trained
from mmskin.trained.trained_model import TrainedModel

LESION = Schema(
    name="wide",
    classes=("NEV", "MEL", "BCC"),
    class_titles={"MEL": "Melanoma"},
    class_groups={"malignant": ("MEL", "BCC")},
    fields=(
        Field(name="age", kind="numeric", unit="years", low=0, high=120),
        Field(name="lasts", kind="duration", label="How long", unit="weeks", low=0),
        Field(name="region", kind="categorical", choices=("face", "arm")),
        Field(name="itch", kind="yes_no"),
    ),
    licence="CC BY-NC 4.0",
)


def model(**record: Any) -> TrainedModel:
    """The small model with a schema of its own; its fusion reads the note, whatever the fields are."""
    trained = small_predictor("late", "image", "text").trained
    assert isinstance(trained, TrainedModel)
    return replace(trained, schema=LESION, record=dict(trained.record) | record)


def told(trained: TrainedModel | Ensemble) -> str:
    return describe_model(model_facts(trained))


def test_a_model_of_a_run_is_described_whole(trained_run: Path) -> None:
    facts = model_facts(load_trained(trained_run))
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert (facts["fusion"]["name"], facts["modalities"], facts["models"]) == ("late", ["image", "text"], 1)
    assert (facts["missingness"], facts["folds"], facts["seeds"]) == ("visible", [0], [0])
    assert (facts["training_cases"], facts["training_patients"]) == ([12], {"pad_ufes_20": 12})
    assert [one["training_cases"] for one in facts["classes"]] == [2] * 6
    assert len(facts["fields"]) == 21
    assert facts["licences"] == {"data: pad_ufes_20": "CC BY 4.0"}
    text = describe_model(facts)
    assert text.splitlines()[0] == "late of image, text"
    assert "missing fields: visible: this model was trained with missing fields visible" in " ".join(text.split())
    assert text.endswith(NOT_A_DIAGNOSIS)
    assert max(map(len, text.splitlines())) <= 100


def test_fields_are_told_with_kind_unit_choices_and_range_and_excluded_ones_with_the_reason() -> None:
    text = told(model(fields_excluded={"smoke": "empty in 40 of 99 training rows"}, missingness="always_recorded"))
    for line in (
        "  age: numeric, years, 0 to 120",
        "  lasts (How long): duration, weeks, 0 days or more",
        "  region: categorical: face, arm",
        "  itch: yes_no",
        "  smoke: empty in 40 of 99 training rows",
        "  MEL: Melanoma (malignant), 3 in training",
        "  NEV, 6 in training",
        "  photos: image, shrunk to 64 pixels on the longer side",
        "  temperature of the calibration: 1.500",
        "  data: wide: CC BY-NC 4.0 (non-commercial use only)",
    ):
        assert line in text.splitlines(), line
    assert "missing fields: always_recorded: only fields that (almost) every training case has" in text


def test_what_is_not_in_the_files_is_said_to_be_not_recorded() -> None:
    facts = model_facts(model())
    assert (facts["missingness"], facts["folds"], facts["seeds"], facts["training_patients"]) == (None, [], [], {})
    assert describe_model(facts).count("not recorded in the model's files") == 5


def test_models_that_answer_together_are_told_as_one_with_their_folds_seeds_and_remarks() -> None:
    first, second = (
        model(fold=fold, experiment={"seed": seed}, class_counts=counts, trained_on={"wide": digests})
        for fold, seed, counts, digests in ((0, 0, [6, 3, 1], ["a", "b"]), (1, 0, [6, 4, 1], ["b", "c"]))
    )
    text = told(Ensemble((first, second), temperature=0.9, record=first.record, remarks=("not tested as a whole",)))
    lines = text.splitlines()
    assert lines[0] == "late of image, text, 2 models together"
    for line in (
        "  cases: 10 to 11 each",
        "  patients: 3 of wide",
        "  folds held out as test: 0, 1",
        "  seeds: 0",
        "  temperature of the calibration: 0.900",
        "  not tested as a whole",
        "  MEL: Melanoma (malignant)",
    ):
        assert line in lines, line


@pytest.mark.parametrize(("unit", "word"), [("lesion", "lesions (patients are not known)"), ("photo", "groups")])
def test_what_counts_as_a_patient_is_told_as_what_it_is(unit: str, word: str) -> None:
    trained = model(trained_on={"wide": ["a"]})
    schema = trained.schema.model_copy(update={"patient_unit": unit})
    assert f"  {word}: 1 of wide" in told(replace(trained, schema=schema)).splitlines()
