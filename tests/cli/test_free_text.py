"""What the command line shows of the words of a patient."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.conftest import Type
from trained.scripted_reader import scripted_predictor

from mmskin.api.predictor import Predictor


def test_predict_prints_what_was_read_in_the_free_text(
    mmskin_: Type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Predictor, "load", lambda folder, arm: scripted_predictor())
    code, told, _ = mmskin_(f"predict {tmp_path} --text 'sixty, on the arm' --field region=face")
    assert code == 0
    assert "read in the free text: Age: 60 years; Site: arm (98%)\n" in told
    assert "note: the text says region: arm (98%), the field says face\n" in told
