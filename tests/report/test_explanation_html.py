from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from explain.small_predictors import linear_predictor, small_predictor
from PIL import Image

from mmskin.explain.explainer import Explainer
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.explanation_html import notebook_frame, write_explanation
from mmskin.report.explanation_sentences import sentences

FIELDS = {"age": 62, "region": "arm", "itch": "yes", "bleed": "unknown"}


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8))


def test_a_folder_holds_the_page_the_numbers_and_the_figures(photo: Image.Image, tmp_path: Path) -> None:
    explanation = Explainer(small_predictor("late").trained).explain(photo, FIELDS, "<b>it</b> & scabs")
    page = write_explanation(explanation, tmp_path / "out").read_text(encoding="utf-8")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    figures = {"shares.png", "fields.png", "words.png", "heatmap.png"}
    assert names == {"explanation.html", "explanation.json", *figures}
    assert NOT_A_DIAGNOSIS in page
    assert "&lt;b&gt;it&lt;/b&gt;" in page
    assert "<b>it</b>" not in page
    assert not [found for found in ('src="http', 'href="http', "url(http") if found in page]
    content = json.loads((tmp_path / "out" / "explanation.json").read_text(encoding="utf-8"))
    assert content["reminder"] == NOT_A_DIAGNOSIS
    assert content["sentences"] == sentences(explanation)
    assert sum(field["points"] for field in content["fields"]["fields"]) == pytest.approx(
        content["fields"]["score"] - content["fields"]["baseline_score"]
    )


def test_a_notebook_shows_the_page_in_a_frame_and_runs_nothing_of_it(photo: Image.Image) -> None:
    shown = notebook_frame(Explainer(linear_predictor().trained).explain(photo, text='"><script>alert(1)</script>'))
    assert shown.startswith("<iframe sandbox srcdoc=")
    assert shown.count("<") == 2  # the frame's own tag, opened and closed
    assert "<script>" not in shown
