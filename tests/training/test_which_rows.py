"""Which rows decide what: training rows what is learned, validation rows the temperature, test rows nothing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from training.probe_parts import SCHEMA, Diary, cases, made_fold, probe_experiment, trained

from mmskin.config.experiment import DataConfig, parse_experiment
from mmskin.data.load import Fold, narrowed, prepare_fold
from mmskin.data.splits import Split
from mmskin.data.table import Cases, make_table


def test_statistics_of_fields_are_learned_from_all_training_rows_and_no_others(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment("metadata"), tmp_path)
    (histories,) = diary.fitted
    assert [history.text for history in histories] == [f"train {n}" for n in range(8)]


def test_statistics_of_fields_are_those_of_training_ages(tmp_path: Path) -> None:
    ages = {"train": [10.0, 20.0] * 4, "val": [90.0] * 4, "test": [100.0] * 4}
    parts = {name: cases(name, "ab" * (len(values) // 2), age=values) for name, values in ages.items()}
    experiment = probe_experiment("metadata").to_json() | {"encoders": {"metadata": {"name": "tokens", "dim": 4}}}
    experiment |= {"fusion": {"name": "metadata_only"}, "loss": {"name": "cross_entropy"}}
    answering = trained(Diary(), parse_experiment(experiment), tmp_path, made_fold(**parts))
    learned = answering.model.encoders["metadata"].state_dict()
    means = [float(value.flatten()[0]) for name, value in learned.items() if name.endswith("mean")]
    assert means == [15.0]  # age is the first field


def test_class_counts_and_the_prior_are_those_of_training_rows(diary: Diary, tmp_path: Path) -> None:
    answering = trained(diary, probe_experiment(), tmp_path, made_fold(train="aaabbbbb", val="aaab", test="aaaa"))
    assert diary.class_counts == [3, 5]
    assert diary.priors[-1] == pytest.approx([3 / 8, 5 / 8])
    assert answering.record["class_counts"] == [3, 5]


def test_training_reads_training_rows_once_an_epoch_and_no_others(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment(batch_size=4, epochs=2, validate_epochs=True), tmp_path)
    told = [note.rpartition("Patient: ")[2] for forward in diary.of_training("text") for note in forward.raws]
    training = sorted(f'"train {n}"' for n in range(8))
    assert sorted(told[:8]) == sorted(told[8:]) == training


def test_before_its_predictions_are_asked_for_a_fit_reads_no_test_row(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment(validate_epochs=True), tmp_path)
    evaluated = {note.rpartition("Patient: ")[2] for f in diary.of_evaluation("text") for note in f.raws}
    assert evaluated == {f'"val {n}"' for n in range(4)}


def test_the_temperature_is_that_of_validation_rows(diary: Diary, tmp_path: Path) -> None:
    # Every case has the logits (2, 0), and in validation three cases of four are of class a: the log-loss is least
    # where the answer is 3/4, at 2 / T = log 3. Training asks for another temperature, and so do test rows.
    of = made_fold(train="abababab", val="aaba", test="bbbb")
    answering = trained(diary, probe_experiment(fusion={"gap": 2.0}), tmp_path, of)
    assert answering.temperature == pytest.approx(2 / math.log(3), rel=1e-4)
    assert answering.probabilities(of.split.test) == pytest.approx(np.array([[0.75, 0.25]] * 4), rel=1e-4)


def blank_in(part: str) -> Split:
    """Three parts with a field that is empty in one row of one part."""
    parts = {name: cases(name, "ab" * 4) for name in Split._fields}
    parts[part]["itch"][0] = None
    return Split(**{name: make_table(SCHEMA, columns) for name, columns in parts.items()})


@pytest.mark.parametrize(("part", "stays"), [("train", False), ("val", True), ("test", True)])
def test_only_training_rows_decide_which_fields_count_as_always_recorded(part: str, stays: bool) -> None:
    data = DataConfig(source={"name": "csv"}, root=".", missingness="always_recorded")
    fold = narrowed(data, SCHEMA, blank_in(part), 0)
    assert ("itch" in fold.schema.field_names) == stays
    assert ("itch" in fold.excluded) != stays


def test_a_fold_takes_its_fields_from_its_own_training_rows() -> None:
    columns = cases("case", "ab" * 12)
    columns["itch"][0] = None
    table = make_table(SCHEMA, columns)
    folds = pd.Series([n // 2 % 3 for n in range(24)], index=list(table.case_id), name="fold")
    data = DataConfig(source={"name": "csv"}, root=".", missingness="always_recorded")

    def fold(number: int) -> Fold:
        return prepare_fold(data, Cases(SCHEMA, table), folds, number)

    # Case 0 lies in fold 0: it is tested there, trains when fold 1 is tested, and validates when fold 2 is.
    assert ["itch" in fold(number).schema.field_names for number in range(3)] == [True, False, True]


def test_fields_named_are_read_and_no_others(diary: Diary, tmp_path: Path) -> None:
    data = DataConfig(source={"name": "csv"}, root=".", missingness="visible", fields=["age", "grew"], without=["age"])
    split = made_fold().split
    trained(diary, probe_experiment("metadata"), tmp_path, narrowed(data, SCHEMA, split, 0))
    read = {name for forward in diary.of_training("metadata") for history in forward.raws for name in history.fields}
    assert read == {"grew"}
