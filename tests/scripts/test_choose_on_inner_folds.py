"""Recipes are chosen inside the training part of a fold: nothing that is reported is read."""

from __future__ import annotations

import importlib
from pathlib import Path

import pandas as pd
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def _table(patients: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "case_id": [f"c{number}" for number in range(patients * 2)],
            "patient_id": [f"p{number // 2}" for number in range(patients * 2)],
            "lesion_id": [f"l{number}" for number in range(patients * 2)],
            "images": [(f"{number}.png",) for number in range(patients * 2)],
            "target": ["A" if number % 4 < 2 else "B" for number in range(patients * 2)],
        }
    )


def test_what_is_tested_or_validates_outside_is_never_answered_nor_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    script = importlib.import_module("choose_on_inner_folds")
    table = _table(30)
    outer = pd.Series([number // 2 % 5 for number in range(60)], index=pd.Index(table.case_id), name="fold")
    for fold in range(5):
        held = set(outer.index[outer.isin([fold, (fold + 1) % 5])])
        answered: list[str] = []
        for third in range(script.THIRDS):
            inner = script.inner_folds(table, outer, fold=fold, third=third)
            assert set(inner.index[inner == 0]) == held
            answered += list(inner.index[inner == 1])
            patient = table.set_index("case_id").patient_id[inner.index]
            assert not set(patient[inner == 1]) & set(patient[inner == 2])
        assert sorted(answered) == sorted(set(outer.index) - held)
