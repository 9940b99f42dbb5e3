from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmskin.data.sources import SOURCES
from mmskin.data.sources.synthetic import Synthetic
from mmskin.data.table import histories
from mmskin.errors import DataError
from mmskin.synthetic.clinic import make_clinic, read_cases
from mmskin.synthetic.history import history_of_case
from mmskin.synthetic.latents import HISTORY_VALUES, PHOTO_VALUES
from mmskin.synthetic.population import Missing


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return make_clinic(tmp_path, cases=40, size=96, missing=Missing(at_random=0.2, block=0.2), told="both", workers=1)


def test_source_is_listed() -> None:
    assert SOURCES["synthetic"] is Synthetic


def test_source_reads_back_what_the_clinic_drew(clinic: Path) -> None:
    loaded = Synthetic().load(clinic)
    drawn = read_cases(clinic)
    table = loaded.table
    assert table.case_id.tolist() == [case.case_id for case in drawn]
    assert table.patient_id.tolist() == [case.patient_id for case in drawn]
    assert table.target.tolist() == [case.target for case in drawn]
    assert table.skin_tone.tolist() == [case.values["skin_tone"] for case in drawn]
    assert histories(table, loaded.schema) == [history_of_case(case) for case in drawn]
    assert all(len(paths) == 1 and Path(paths[0]).is_file() for paths in table.images)
    assert loaded.remarks == ()


def test_truth_is_there_as_outcomes_and_can_be_no_input(clinic: Path) -> None:
    loaded = Synthetic().load(clinic)
    truths = {f"true_{name}" for name in (*PHOTO_VALUES, *HISTORY_VALUES)}
    assert set(loaded.schema.outcomes) == truths
    assert truths <= set(loaded.table.columns)
    assert loaded.table.true_ulcer.tolist() == [case.values["ulcer"] for case in read_cases(clinic)]
    with pytest.raises(DataError, match="true_ulcer' is an outcome column"):
        loaded.schema.with_fields(["age", "true_ulcer"])


def test_truth_follows_its_case_in_any_order(clinic: Path) -> None:
    before = Synthetic().load(clinic).table.set_index("case_id")
    path = clinic / "latents.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    order = np.random.default_rng(0).permutation(len(rows))
    path.write_text("\n".join([header, *(rows[i] for i in order)]), encoding="utf-8")
    assert Synthetic().load(clinic).table.set_index("case_id").equals(before)


def test_lost_photo_is_remarked(clinic: Path) -> None:
    (clinic / "photos" / "case_00003.jpg").unlink()
    loaded = Synthetic().load(clinic)
    assert loaded.table.images[3] == ()
    assert "1 photos not found: row 5 'photos/case_00003.jpg'" in loaded.remarks[0]


def test_faulty_values_are_refused_with_their_rows(clinic: Path) -> None:
    path = clinic / "cases.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",alvita,", ",alwita,", 1), encoding="utf-8")
    with pytest.raises(DataError, match=r"row \d+: class 'alwita' does not exist\. Did you mean 'alvita'"):
        Synthetic().load(clinic)
    path.write_text(text.replace(",yes,", ",perhaps,"), encoding="utf-8")
    with pytest.raises(DataError, match=r"row \d+, column '\w+': \w+='perhaps' must be yes, no or unknown"):
        Synthetic().load(clinic)


def test_case_without_truth_is_refused(clinic: Path) -> None:
    path = clinic / "latents.csv"
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-1]), encoding="utf-8")
    with pytest.raises(DataError, match=r"lacks 1 cases of cases\.csv: case_00039"):
        Synthetic().load(clinic)


def test_folder_without_a_clinic_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no finished synthetic clinic"):
        Synthetic().load(tmp_path)
