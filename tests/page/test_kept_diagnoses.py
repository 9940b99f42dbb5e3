from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path

import pytest
from page.fake_predictor import SCHEMA

from mmskin.errors import UserError
from mmskin.page.kept_diagnoses import KeptDiagnoses
from mmskin.trained.model_version import ModelVersion
from mmskin.trained.prediction import Prediction

PREDICTION = Prediction(
    {"MEL": 0.7512345, "NEV": 0.2487655}, ("text",), ("image",), note="62 years old.", model=ModelVersion("1.2", "abc")
)


def test_each_diagnosis_is_a_line_more(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text("before\n")
    kept = KeptDiagnoses(path, today=lambda: date(2026, 11, 30))
    kept.keep(PREDICTION, "NEV", SCHEMA)
    kept.keep(PREDICTION, "other", SCHEMA)
    before, first, second = path.read_text().splitlines()
    assert before == "before"
    assert json.loads(first) == {
        "date": "2026-11-30",
        "model": {"mmskin": "1.2", "checksum": "abc"},
        "probabilities": {"MEL": 0.751, "NEV": 0.249},
        "triage": None,
        "used": ["text"],
        "diagnosis": "NEV",
    }
    assert json.loads(second)["diagnosis"] == "other"


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    KeptDiagnoses(tmp_path / "kept.jsonl")
    assert stat.S_IMODE((tmp_path / "kept.jsonl").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"diagnoses cannot be kept in .*kept.jsonl: No such file or directory"):
        KeptDiagnoses(tmp_path / "nowhere" / "kept.jsonl")
