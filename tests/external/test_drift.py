"""Drift where it was planted, none where it was not, and no word on too few."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from external.conftest import rows

from mmskin.benchmark.run.grid import cell_folder
from mmskin.errors import ConfigError, DataError, ModelError
from mmskin.external.drift import Drift, find_drift
from mmskin.external.drift_page import sentences, to_json, write_drift
from mmskin.external.new_cases import dates_of, read_new_cases
from mmskin.trained.ensemble import Trained
from mmskin.trained.run_models import load_trained


@pytest.fixture(scope="module")
def model(home: Path) -> Trained:
    return load_trained(cell_folder(home / "run", "fields", 0, 0) / "model")


def drift_of(
    model: Trained, table: pd.DataFrame, folder: Path, *, dates: str | None = None, every: str = "month"
) -> Drift:
    path = folder / "new.csv"
    table.to_csv(path, index=False)
    cases = read_new_cases(path, model)
    when = None if dates is None else dates_of(path, cases, dates, model)
    return find_drift(model, cases, dates=when, every=every)


def test_patients_of_the_same_clinic_are_alike(model: Trained, tmp_path: Path) -> None:
    found = drift_of(model, rows(200, seed=5, mark="q"), tmp_path)
    assert found.found.empty
    assert found.patients == 200
    assert sentences(found, model.schema)[0].startswith(
        "No difference was found (200 new patients against 160 of before)"
    )


def test_older_patients_are_found_by_their_age_and_by_the_answers(model: Trained, tmp_path: Path) -> None:
    table = rows(200, seed=5, mark="q")
    found = drift_of(model, table.assign(age=np.minimum(table["age"] + 25, 100)), tmp_path).found
    assert ("values", "age") in set(zip(found["what"], found["name"], strict=True))
    assert "predicted classes" in set(found["what"])
    assert ("values", "site") not in set(zip(found["what"], found["name"], strict=True))


def test_a_field_that_is_no_longer_recorded_is_found_as_that(model: Trained, tmp_path: Path) -> None:
    table = rows(200, seed=5, mark="q")
    table.loc[::2, "itch"] = ""
    found = drift_of(model, table, tmp_path)
    first = found.found.iloc[0]
    assert (first["what"], first["name"]) == ("recorded", "itch")
    assert first["now"] == f"{(table['itch'] != '').mean():.0%} recorded"
    assert any(
        line.startswith("Itch is recorded for other shares of the patients") for line in sentences(found, model.schema)
    )


def test_a_patient_counts_once(model: Trained, tmp_path: Path) -> None:
    table = rows(200, seed=5, mark="q")
    doubled = pd.concat([table, table.assign(case="again_" + table["case"], age=90)])
    assert drift_of(model, doubled, tmp_path).tests.equals(drift_of(model, table, tmp_path).tests)


def test_of_too_few_nothing_is_said(model: Trained, tmp_path: Path) -> None:
    found = drift_of(model, rows(29, seed=5, mark="q").assign(age=99), tmp_path)
    assert found.found.empty
    assert sentences(found, model.schema) == ["Too few to say: 29 new patients, and 30 are needed."]


def test_over_time_each_period_is_compared(model: Trained, tmp_path: Path) -> None:
    table = rows(200, seed=5, mark="q")
    table["seen"] = ["2026-01-15"] * 90 + ["2026-02-03"] * 90 + ["2026-03-01"] * 19 + [""]
    table.loc[90:179, "age"] = 95
    found = drift_of(model, table, tmp_path, dates="seen").periods
    assert found["period"].tolist() == ["2026-01", "2026-02", "2026-03"]
    assert found["patients"].tolist() == [90, 90, 19]
    assert found["p_adjusted"].iloc[0] > 0.05
    assert found["p_adjusted"].iloc[1] < 0.001
    assert found["what"].iloc[2] == "too few to say"
    assert drift_of(model, table, tmp_path, dates="seen", every="year").periods["period"].tolist() == ["2026"]
    with pytest.raises(ConfigError, match="period 'week'"):
        drift_of(model, table, tmp_path, dates="seen", every="week")


def test_what_is_no_date_is_refused_with_its_row(model: Trained, tmp_path: Path) -> None:
    table = rows(40, seed=5, mark="q").assign(seen="31.12.2026")
    with pytest.raises(DataError, match=r"column 'seen' must hold dates such as 2026-03-31, however, in rows 2 \(31"):
        drift_of(model, table, tmp_path, dates="seen")
    with pytest.raises(DataError, match="column 'date'"):
        drift_of(model, table, tmp_path, dates="date")


def test_the_models_of_a_run_are_compared_by_the_first(home: Path, model: Trained, tmp_path: Path) -> None:
    together = load_trained(home / "run")
    one, other = (drift_of(of, rows(100, seed=5, mark="q"), tmp_path) for of in (model, together))
    assert one.tests.equals(other.tests)
    assert any("the first of the models" in remark for remark in other.remarks)


def test_a_model_that_does_not_remember_is_refused(model: Trained, tmp_path: Path) -> None:
    record = {key: value for key, value in model.record.items() if key != "reference"}
    with pytest.raises(ModelError, match="train it again to measure drift"):
        drift_of(replace(model, record=record), rows(40, seed=5), tmp_path)


def test_the_page_holds_every_comparison_and_its_numbers_lie_beside_it(model: Trained, tmp_path: Path) -> None:
    table = rows(120, seed=5, mark="q").assign(seen=["2026-01-15"] * 60 + ["2026-02-03"] * 60)
    found = drift_of(model, table, tmp_path, dates="seen")
    page = write_drift(found, tmp_path / "drift", schema=model.schema, about={"model": "m", "data": "d"}).read_text()
    assert "Are the new patients like those before?" in page
    assert page.count("<svg") == 1
    for row in found.tests.to_dict("records"):
        assert row["before"] in page
    numbers = to_json(found, model.schema)
    assert numbers["patients_before"] == 160
    assert len(numbers["tests"]) == len(found.tests) == 8
