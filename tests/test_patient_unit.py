"""A lesion is not printed as a person where nobody knows the patients."""

from __future__ import annotations

from pathlib import Path

import pytest
from data.make_milk10k import make_milk10k
from made_predictions import make

from mmskin.config.experiment import DataConfig
from mmskin.data.load import read_source
from mmskin.evaluation.results import Runs, evaluate_runs
from mmskin.report.data_summary import describe
from mmskin.report.headline import headline
from mmskin.schema import PatientUnit, common_unit, counted_patients


@pytest.mark.parametrize(
    ("unit", "told"),
    [
        ("patient", "5,240 patients"),
        ("lesion", "5,240 lesions (patients are not known)"),
        ("photo", "5,240 photos (patients are not known)"),
        ("case", "unknown patients"),
    ],
)
def test_the_count_says_what_was_counted(unit: PatientUnit, told: str) -> None:
    assert counted_patients(5240, unit) == told


def test_of_data_sets_that_differ_cases_are_counted() -> None:
    assert common_unit([]) == common_unit({"patient"}) == "patient"
    assert common_unit({"lesion"}) == "lesion"
    assert common_unit({"lesion", "patient"}) == "case"


def test_a_data_set_of_lesions_never_speaks_of_patients(tmp_path: Path) -> None:
    make_milk10k(tmp_path)
    cases = read_source(DataConfig(source={"name": "milk10k"}, root=str(tmp_path)))
    lesions = cases.table.lesion_id.nunique()
    assert f"{lesions} lesions (patients are not known)" in repr(cases)
    assert f"{lesions} lesions (patients are not known)" in " ".join(describe(cases).split())


def test_the_headline_takes_the_unit_of_the_run() -> None:
    runs = Runs(make(), [{}], {}, patient_unit="lesion")
    (sentence, *_) = headline(evaluate_runs(runs, replicates=50))
    assert "lesions (patients are not known)" in sentence
