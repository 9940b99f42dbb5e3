"""A value that one class alone has is named, and honest fields are spared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from audit.drawn_clinic import drawn_clinic
from real_data import real_data

from mmskin.audit.held_out import hold_out
from mmskin.audit.telling_values import CONSTANT, NEVER, ONE_CLASS, find_telling_values
from mmskin.config.experiment import DataConfig
from mmskin.data.load import labelled_cases, read_source
from mmskin.data.table import Cases, make_table
from mmskin.schema import Field, Schema

# Rows of HAM10000 by dx and dx_type: the totals of `reference/datasets.md`, where only naevi were followed up, only bkl
# was seen by confocal microscopy and every mel and bcc by histology; how the rest is spread over the others is made up.
HAM = {
    ("nv", "histo"): 2667,
    ("nv", "follow_up"): 3704,
    ("nv", "consensus"): 334,
    ("mel", "histo"): 1113,
    ("bkl", "histo"): 599,
    ("bkl", "consensus"): 431,
    ("bkl", "confocal"): 69,
    ("bcc", "histo"): 514,
    ("other", "histo"): 447,
    ("other", "consensus"): 137,
}


def table(rows: list[tuple[str, Any]], *, patients: list[str] | None = None, kind: str = "categorical") -> Cases:
    """Cases of (class, value) with one field, `field`, a patient each unless said otherwise."""
    ids = [f"c{i:04}" for i in range(len(rows))]
    values = [value for _, value in rows]
    choices = tuple(dict.fromkeys(value for value in values if value is not None))
    of_kind = {"choices": choices} if kind == "categorical" else {}
    schema = Schema(
        name="toy",
        classes=tuple(dict.fromkeys(c for c, _ in rows)),
        fields=(Field(name="field", kind=kind, **of_kind),),
    )
    columns = {"case_id": ids, "patient_id": patients or ids, "lesion_id": ids, "images": [(f"{i}.jpg",) for i in ids]}
    return Cases(schema, make_table(schema, {**columns, "target": [c for c, _ in rows], "field": values}))


def found(cases: Cases) -> pd.DataFrame:
    return find_telling_values(hold_out(labelled_cases(cases).table, replicates=2), cases.schema)


def told(cases: Cases) -> list[tuple[str, str, str]]:
    return [(row["value"], row["class"], row["verdict"]) for row in found(cases).to_dict("records")]


def test_follow_up_of_ham10000_is_named_and_what_was_never_a_frequent_class() -> None:
    rows = [row for row, count in HAM.items() for _ in range(count)]
    assert told(table(rows)) == [
        ("confocal", "bkl", ONE_CLASS),
        ("consensus", "mel", NEVER),
        ("follow_up", "nv", ONE_CLASS),
    ]


def test_the_chance_is_that_of_so_many_draws_times_the_values_tried() -> None:
    # 40 of 40 with "x" are "a"; three quarters of the 80 cases are: two values with two classes are tried
    cases = table([("a", "x")] * 40 + [("a", "y")] * 20 + [("b", "y")] * 20)
    (row,) = found(cases).to_dict("records")
    assert (row["value"], row["n"], row["patients"], row["verdict"]) == ("x", 40, 40, ONE_CLASS)
    assert row["chance"] == pytest.approx(4 * 0.75**40)
    assert row["expected"] == pytest.approx(30)


def test_photos_of_one_patient_count_once() -> None:
    rows = [("a", "x")] * 40 + [("a", "y")] * 60 + [("b", "y")] * 100
    patients = [f"p{i // 4}" for i in range(40)] + [f"q{i}" for i in range(160)]
    assert told(table(rows)) == [("x", "a", ONE_CLASS)]
    assert told(table(rows, patients=patients)) == []  # ten patients: .5 ** 10 four times over is no proof


def test_a_frequent_class_that_is_missing_is_named_and_a_rare_one_is_not() -> None:
    rows = [("a", "x")] * 150 + [("b", "x")] * 50 + [("a", "y")] * 60 + [("b", "y")] * 90 + [("c", "y")] * 150
    (row,) = found(table(rows)).to_dict("records")
    assert (row["value"], row["class"], row["verdict"]) == ("x", "c", NEVER)
    assert row["expected"] == pytest.approx(200 * 150 / 500)
    assert row["chance"] == pytest.approx(6 * (1 - 150 / 500) ** 200)
    assert told(table(rows[:-120])) == []  # 30 of 380: a rare class
    assert told(table(rows[:-60])) == []  # 41 of them are expected, and an honest symptom may be as rare as that


def test_shares_are_those_of_the_rows_in_which_it_is_recorded() -> None:
    # "c" is never recorded, which is another question: no value is to blame for it
    rows = [("a", "x"), ("b", "x"), ("a", "y"), ("b", "y")] * 40 + [("c", None)] * 80
    assert told(table(rows)) == []


def test_a_column_that_is_the_class_in_other_words_is_named_in_a_small_table() -> None:
    rows = [("a", "x")] * 8 + [("b", "y")] * 8
    assert told(table(rows)) == [("", "", CONSTANT)]
    assert told(table([*rows, ("b", "x")])) == []
    numbers = [(c, 1.0 if c == "a" else 2.0) for c, _ in rows]
    assert told(table(numbers, kind="numeric")) == [("", "", CONSTANT)]


def test_constant_by_chance_is_no_finding() -> None:
    # five and two: one shuffle in 21 leaves every class with one value
    assert told(table([("a", "x")] * 5 + [("b", "y")] * 2)) == []


def test_a_number_with_many_values_is_read_whole() -> None:
    rows: list[tuple[str, Any]] = [("a", float(i % 20)) for i in range(400)] + [("b", 50.0)] * 60
    assert told(table(rows, kind="numeric")) == []


def test_fields_of_200_drawn_clinics_are_spared() -> None:
    named = [seed for seed in range(200) if len(found(drawn_clinic(cases=200, seed=seed)))]
    assert len(named) <= 10, named


@pytest.mark.parametrize("shuffled", range(3))
def test_labels_shuffled_over_patients_give_nothing_away(shuffled: int) -> None:
    cases = drawn_clinic(cases=600, seed=shuffled)
    cases.table["target"] = np.random.default_rng(shuffled).permutation(cases.table["target"].to_numpy())
    assert told(cases) == []


@pytest.mark.parametrize(("name", "outcomes"), [("pad_ufes_20", {"biopsed"}), ("milk10k", {"diagnosis_full"})])
def test_honest_fields_of_real_data_are_spared_and_outcomes_are_not(name: str, outcomes: set[str]) -> None:
    cases = read_source(DataConfig(source={"name": name}, root=str(real_data(name))))
    rows = found(cases)
    assert set(rows.column) == outcomes
    assert set(rows.role) == {"outcome"}
