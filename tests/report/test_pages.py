from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmskin.report.pages import Grid, Section, anchors, report_page, write_page


def test_numbers_are_written_beside_the_page_and_paths_as_text(tmp_path: Path) -> None:
    page = write_page(tmp_path / "run" / "report.html", "<p>", {"n": 1, "where": Path("x")}, numbers="results.json")
    assert page.read_text() == "<p>"
    assert json.loads((tmp_path / "run" / "results.json").read_text()) == {"n": 1, "where": "x"}


@pytest.mark.parametrize(("value", "error"), [(np.int64(1), TypeError), (float("nan"), ValueError)])
def test_what_strict_json_does_not_know_is_refused(value: object, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        write_page(tmp_path / "report.html", "<p>", {"n": value})
    assert not (tmp_path / "report.html").exists()


def test_ids_are_made_of_titles_and_are_each_one_of_a_kind() -> None:
    titles = ["Subgroups: late", "What it costs", "Subgroups: late", "\u76ae\u80a4", "Subgroups, late"]
    made = ["subgroups-late", "what-it-costs", "subgroups-late-2", "\u76ae\u80a4", "subgroups-late-3"]
    assert anchors(titles) == made


def test_a_table_needs_the_long_side_of_the_paper_for_its_longest_words_not_for_its_columns() -> None:
    assert not Grid("", ["n"] * 20, [["123"] * 20]).is_wide
    assert not Grid("", ["Arm"], [["many short words " * 40]]).is_wide
    assert Grid("", ["Brightness"] * 15, [["0.658"] * 15]).is_wide


def test_scroll_boxes_and_figures_say_what_they_hold() -> None:
    page = report_page("Who?", [Section("First", grids=[Grid("A table", ["Head"], [["cell"]])])], headline=["Nobody."])
    assert 'tabindex="0" role="region" aria-label="Table: First, A table"' in page
    assert page.count("<main>") == page.count("<h1>") == page.count("<nav ") == 1
