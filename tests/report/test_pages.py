from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmskin.report.pages import write_page


def test_numbers_are_written_beside_the_page_and_paths_as_text(tmp_path: Path) -> None:
    page = write_page(tmp_path / "run" / "report.html", "<p>", {"n": 1, "where": Path("x")}, numbers="results.json")
    assert page.read_text() == "<p>"
    assert json.loads((tmp_path / "run" / "results.json").read_text()) == {"n": 1, "where": "x"}


@pytest.mark.parametrize(("value", "error"), [(np.int64(1), TypeError), (float("nan"), ValueError)])
def test_what_strict_json_does_not_know_is_refused(value: object, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        write_page(tmp_path / "report.html", "<p>", {"n": value})
    assert not (tmp_path / "report.html").exists()
