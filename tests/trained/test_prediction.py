"""An answer as people look at it."""

from __future__ import annotations

from mmskin.trained.prediction import Prediction

ANSWER = Prediction(
    {"MEL": 0.75, "<NEV>": 0.25},
    used=("image",),
    missing=("metadata",),
    remarks=("age=45-50 was read as 47.5 <years>",),
)


def test_printed_it_is_ranked_and_says_what_it_rests_on() -> None:
    first, *rest = repr(ANSWER).splitlines()
    assert first == "Prediction: MEL 75%, <NEV> 25%"
    assert any("used:    image" in line for line in rest)
    assert any("missing: metadata" in line for line in rest)
    assert any("age=45-50 was read as" in line for line in rest)
    assert "not a diagnosis" in rest[-1].lower() or "diagnosis" in rest[-1].lower()


def test_as_a_frame_it_has_a_row_a_class() -> None:
    assert ANSWER.to_frame().to_dict("list") == {"class": ["MEL", "<NEV>"], "probability": [0.75, 0.25]}


def test_in_a_notebook_nothing_that_was_typed_is_markup() -> None:
    page = ANSWER._repr_html_()
    assert "&lt;NEV&gt;" in page
    assert "&lt;years&gt;" in page
    assert "<NEV>" not in page
    assert "diagnosis" in page
