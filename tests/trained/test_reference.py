"""What a saved model remembers: counted by hand, and no row of anybody in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from small_experiment import small_experiment

from mmskin.benchmark.run.grid import cell_folder
from mmskin.data.load import folds_of, load_cases, prepare_fold
from mmskin.data.table import histories
from mmskin.errors import ModelError
from mmskin.evaluation.two_samples import moments_of
from mmskin.schema import Field, Schema
from mmskin.trained.photo_sketch import sketched
from mmskin.trained.reference import (
    ANY,
    FREE_TEXT,
    NOT_RECORDED,
    REFERENCE,
    Counts,
    Reference,
    binned,
    field_counts,
    make_reference,
    photo_vectors,
    reference_of,
)
from mmskin.trained.saved_model import load_model
from mmskin.trained.trained_model import TrainedModel


@pytest.fixture(scope="module")
def saved(trained_run: Path) -> TrainedModel:
    trained = load_model(cell_folder(trained_run, "small", 0, 0) / "model")
    assert isinstance(trained, TrainedModel)
    return trained


@pytest.fixture(scope="module")
def parts(pad_folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and validation rows of that model."""
    data = small_experiment(pad_folder).data
    cases = load_cases(data)
    fold = prepare_fold(data, cases, folds_of(data, cases), 0)
    return fold.split.train, fold.split.val


def test_fields_are_counted_over_training_and_validation_patients(
    saved: TrainedModel, parts: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    reference = reference_of(saved)
    assert reference is not None
    rows = pd.concat(parts).drop_duplicates("patient_id")
    assert reference.patients == len(rows)
    itch = dict(zip(reference.fields["itch"].labels, reference.fields["itch"].counts, strict=True))
    for value in ("yes", "no", "unknown"):
        assert itch.get(value, 0) == (rows["itch"] == value).sum()
    smoke = dict(zip(reference.fields["smoke"].labels, reference.fields["smoke"].counts, strict=True))
    assert smoke[NOT_RECORDED] == rows["smoke"].isna().sum() > 0
    ages = reference.fields["age"]
    assert sum(ages.counts[: sum(age <= ages.edges[0] for age in ages.edges)]) == (rows["age"] <= ages.edges[0]).sum()


def test_answers_and_photos_are_those_of_validation_patients(
    saved: TrainedModel, parts: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    reference = reference_of(saved)
    assert reference is not None
    val = parts[1].drop_duplicates("patient_id").reset_index(drop=True)
    answered = saved.probabilities(val).argmax(axis=1)
    assert reference.validated == len(val)
    assert reference.answers.predicted.counts == tuple(np.bincount(answered, minlength=6))
    assert sum(reference.answers.confidence.counts) == len(val)
    kept = reference.photos["image"]
    assert kept.patients == len(val)
    features = sketched(photo_vectors(saved, val)["image"], bandwidth=kept.bandwidth)
    assert np.abs(moments_of(features).mean - np.array(kept.mean)).max() < 0.05  # features were kept in half precision


def test_a_threshold_is_the_highest_with_the_sensitivity_aimed_at(
    saved: TrainedModel, parts: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    reference = reference_of(saved)
    assert reference is not None
    (group, members), *_ = saved.schema.class_groups.items()
    codes = [saved.schema.classes.index(name) for name in members]
    inside = np.sort(saved.probabilities(parts[1])[parts[1]["target"].isin(members).to_numpy()][:, codes].sum(axis=1))
    for aimed, threshold in reference.thresholds[group].items():
        assert (inside >= threshold - 1e-4).mean() >= float(aimed)
        assert (inside > threshold + 1e-4).mean() < float(aimed)


def test_nobodys_id_nor_row_is_in_it(saved: TrainedModel, parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    text = json.dumps(saved.record[REFERENCE])
    for rows in parts:
        assert not any(f'"{one}"' in text for name in ("patient_id", "case_id") for one in rows[name])


def test_values_that_were_never_met_are_counted_under_their_own_name() -> None:
    before = Counts(labels=("arm", "leg", NOT_RECORDED), counts=(3, 2, 1))
    now = before.again(["leg", "foot", None, "foot"])
    left, right = before.in_line_with(now)
    assert list(left) == [3, 2, 1, 0]
    assert list(right) == [0, 1, 1, 2]


def test_numbers_fall_into_the_tenths_of_before() -> None:
    before = binned(range(1, 101), [*range(1, 101), None])  # type: ignore[arg-type]
    assert len(before.edges) == 9
    assert before.counts[-1] == 1
    assert sum(before.counts) == 101
    assert before.labels[:2] == ("up to 10.9", "10.9 to 20.8")
    assert before.again([0, 1000, None]).counts == (1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1)


def test_equal_numbers_need_no_bins_and_a_field_that_was_always_missing_has_one() -> None:
    assert binned([5.0, 5.0], [5.0, 5.0]).labels == (ANY, NOT_RECORDED)
    schema = Schema(name="s", classes=("a", "b"), fields=(Field(name="age", kind="numeric"),))
    missing = pd.DataFrame({"age": [None, None], "text": [None, "itches"]}, dtype=object)
    counts = field_counts(missing, schema, with_text=True)
    assert counts["age"] == Counts(labels=(NOT_RECORDED,), counts=(2,))
    assert counts["age"].again([40.0]).in_line_with(counts["age"])[0].tolist() == [0, 1]
    assert counts[FREE_TEXT].counts == (1, 1)
    assert histories(missing, schema)[1].text == "itches"


def test_an_impossible_memory_is_refused(saved: TrainedModel) -> None:
    with pytest.raises(ValidationError):
        Reference.model_validate({"patients": -1})
    with pytest.raises(ModelError, match=r"remembers of its patients is damaged, at reference\.answers"):
        reference_of(replace(saved, record={REFERENCE: {**saved.record[REFERENCE], "answers": 1}}))
    with pytest.raises(ValidationError):
        Counts.model_validate({"labels": ["a"], "counts": [-2]})


def test_a_class_group_without_a_validation_case_has_no_threshold(
    saved: TrainedModel, parts: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    (group, members), *_ = saved.schema.class_groups.items()
    train, val = parts
    others = val[~val["target"].isin(members)]
    assert group not in make_reference(saved, train=train, val=others).thresholds
