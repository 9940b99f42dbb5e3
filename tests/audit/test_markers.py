"""Marks in the photo that a column tells of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audit.drawn_clinic import drawn_clinic

from mmskin.audit.held_out import hold_out
from mmskin.audit.markers import SUSPICION, marker_columns, read_markers
from mmskin.data.sources.synthetic import Synthetic
from mmskin.synthetic.clinic import make_clinic, read_cases
from mmskin.synthetic.population import Shortcut


def test_markers_go_by_whole_words_beside_the_fields() -> None:
    cases = drawn_clinic(cases=40)
    named = {"MONET_skin_markings_pen_ink_purple_pen": 0.5, "Hair": "yes", "gel": "no", "RULER-seen": "no"}
    others = {"open_wound": "no", "angel": "no", "pencil": "no", "wrinkles": "yes"}
    table = cases.table.assign(**named, **others)
    assert marker_columns(table, cases.schema) == ["marker_pen", "marker_ruler", *named]
    itch, *fields = cases.schema.fields
    asked = cases.schema.model_copy(update={"fields": (itch.model_copy(update={"name": "hair"}), *fields)})
    assert "hair" not in marker_columns(table.rename(columns={"Hair": "hair"}), asked)


def test_a_planted_pen_is_suspected_and_the_ruler_is_not() -> None:
    cases = drawn_clinic(seed=0, shortcut=Shortcut("pen", 0.5))
    rows = read_markers(hold_out(cases.table, replicates=200), cases.schema)
    suspected = rows[rows.verdict == SUSPICION]
    assert set(suspected.column) == {"marker_pen"}
    # p(pen | worrying) − p(pen | other) = .5, so AUROC is .5 + .5 / 2
    worrying = suspected[suspected.against == "worrying"].auroc.item()
    assert worrying == pytest.approx(0.75, abs=0.03)


def test_marks_that_fell_at_random_are_spared() -> None:
    cases = drawn_clinic(seed=0)
    rows = read_markers(hold_out(cases.table, replicates=200), cases.schema)
    assert set(rows.column) == {"marker_pen", "marker_ruler"}
    assert set(rows.verdict) == {""}
    assert json.loads(rows.to_json(orient="records"))[0]["column"] == "marker_pen"


def test_a_mark_told_as_a_number_is_read(tmp_path: Path) -> None:
    cases = drawn_clinic(seed=1)
    worrying = cases.table.target.isin(cases.schema.class_groups["worrying"])
    noise = np.random.default_rng(0).random(len(cases.table))
    table = cases.table.assign(MONET_hair=(noise + worrying) / 2).drop(columns=["marker_pen", "marker_ruler"])
    rows = read_markers(hold_out(table, replicates=100), cases.schema)
    assert rows[rows.against == "worrying"][["read_as", "verdict"]].to_numpy().tolist() == [["number", SUSPICION]]


def test_without_such_a_column_there_is_no_row() -> None:
    cases = drawn_clinic(cases=60)
    rows = read_markers(hold_out(cases.table.drop(columns=["marker_pen", "marker_ruler"])), cases.schema)
    assert rows.empty
    assert isinstance(rows, pd.DataFrame)
    assert "verdict" in rows.columns


def test_the_synthetic_source_tells_where_a_mark_was_drawn(tmp_path: Path) -> None:
    folder = make_clinic(tmp_path, cases=30, size=96, shortcut=Shortcut("ruler", 1.0), workers=1)
    table = Synthetic().load(folder).table
    drawn = read_cases(folder)
    for mark in ("pen", "ruler"):
        assert table[f"marker_{mark}"].tolist() == [case.values[mark] for case in drawn]
    assert set(table.marker_ruler) == {"yes", "no"}
