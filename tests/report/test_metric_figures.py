from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from mmskin.evaluation import evaluate
from mmskin.report import metric_figures as figures


@pytest.fixture
def table(make_predictions) -> pd.DataFrame:
    return pd.concat([make_predictions(arm="image", seeds=2), make_predictions(arm="late $x$ <b>", rng_seed=1)])


def texts(figure) -> list[str]:
    """Everything that is written in a figure, legends included."""
    figure.canvas.draw()
    return [item.get_text() for item in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_confusion_shows_percent_and_mean_count_over_seeds(make_predictions):
    rows = pd.DataFrame(
        {
            "seed": [0, 0, 0, 1, 1, 1],
            "target": ["A", "A", "B"] * 2,
            "prob_A": [0.9, 0.2, 0.1, 0.9, 0.2, 0.1],
            "prob_B": [0.1, 0.8, 0.9, 0.1, 0.8, 0.9],
        }
    )
    written = texts(figures.confusion_matrix(rows))
    assert [text for text in written if text.endswith("%")] == ["50%", "50%", "0%", "100%"]
    assert "A  n=2" in written
    assert "B  n=1" in written


def test_every_figure_is_svg_and_the_same_twice(table):
    metrics = evaluate(table, replicates=10)
    image = table[table["arm"] == "image"]
    makers = (
        lambda: figures.confusion_matrix(image),
        lambda: figures.reliability_diagram(image),
        lambda: figures.roc_curves(image),
        lambda: figures.sensitivity_forest(metrics),
        lambda: figures.metric_intervals(metrics),
    )
    for make in makers:
        drawn = figures.svg(make())
        assert drawn.startswith("<svg")
        ElementTree.fromstring(drawn)
        assert figures.svg(make()) == drawn
    assert figures.png(makers[0]()).startswith(b"\x89PNG")


def test_names_are_written_as_they_are(table):
    written = texts(figures.metric_intervals(evaluate(table, replicates=10)))
    assert "late $x$ <b>" in written


def test_a_class_without_cases_draws_no_curve(make_predictions):
    rows = make_predictions()
    written = texts(figures.roc_curves(rows[rows["target"] != "MEL"]))
    assert "NEV" in written
    assert "MEL" not in written


def test_figures_leave_matplotlib_as_it_was(table):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    figures.svg(figures.confusion_matrix(table))
    assert dict(mpl.rcParams) == before
