from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from mmskin.evaluation.results import Results
from mmskin.report.cost_figure import apart, cost_against, front
from mmskin.report.metric_figures import PALETTE
from mmskin.report.pictures import Picture, file_name
from mmskin.report.ranking_figures import difference_forest, ranking


def results(scores: dict[str, float], *, primary: str, reference: str, metric: str = "balanced_accuracy") -> Results:
    rows = [{"arm": arm, "estimate": score, "low": score - 0.1, "high": score + 0.1} for arm, score in scores.items()]
    table = pd.DataFrame(rows).assign(metric=metric, **{"class": "", "subset": "all"})
    nothing = pd.DataFrame()
    return Results(nothing, 0, table, nothing, None, nothing, primary, reference, metric, {}, [])


def labels(figure) -> list[str]:
    figure.canvas.draw()
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def points(figure) -> list[tuple[float, str, str]]:
    """(x, marker, colour) of every point, from the top row down."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", "") and len(line.get_xdata())]
    lines.sort(key=lambda line: line.get_ydata()[0])
    return [(line.get_xdata()[0], line.get_marker(), to_hex(line.get_markerfacecolor()).upper()) for line in lines]


def test_the_best_arm_is_on_top_and_primary_and_reference_are_marked_by_word_shape_and_colour():
    figure = ranking(results({"a": 0.5, "b": 0.7, "c": 0.6, "d": 0.4}, primary="c", reference="a"))
    assert labels(figure) == ["b", "c (primary)", "a (reference)", "d"]
    assert [x for x, _, _ in points(figure)] == [0.7, 0.6, 0.5, 0.4]
    other, primary, reference, last = points(figure)
    assert other[1:] == last[1:]
    assert len({other[1], primary[1], reference[1]}) == len({other[2], primary[2], reference[2]}) == 3


def test_of_a_metric_for_which_less_is_better_the_least_is_on_top():
    figure = ranking(results({"a": 0.5, "b": 0.7}, primary="b", reference="a", metric="log_loss"))
    assert labels(figure) == ["a (reference)", "b (primary)"]


def test_the_forest_shows_each_verdict_by_a_mark_of_its_own_around_zero():
    found = results({"a": -0.3, "b": 0.3, "c": 0.01}, primary="a", reference="image_only")
    differences = found.metrics.assign(verdict=["worse", "better", "not distinguishable"])
    figure = difference_forest(found._replace(differences=differences))
    assert labels(figure) == ["b", "c", "a (primary)"]
    better, nothing, worse = points(figure)
    assert (better[1], nothing[1], worse[1]) == ("^", "o", "v")
    assert (better[2], nothing[2], worse[2]) == (PALETTE[2], "#FFFFFF", PALETTE[1])
    zero = [line for line in figure.axes[0].lines if list(line.get_xdata()) == [0, 0]]
    assert len(zero) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["better", "not distinguishable", "worse"]


def test_an_arm_without_interval_is_drawn_as_a_point():
    found = results({"a": 0.5, "b": 0.6}, primary="a", reference="b")
    found.metrics.loc[0, ["low", "high"]] = np.nan
    assert len(ranking(found).axes[0].collections) == 1


def test_the_front_holds_what_nothing_cheaper_equals():
    # a is cheapest; b costs more for more; c costs more than b for less; d as good as b but dearer.
    assert front([1, 2, 3, 4], [0.5, 0.6, 0.55, 0.6]) == [True, True, False, False]
    assert front([1, 1], [0.5, 0.5]) == [True, True]


def test_names_are_moved_apart_about_their_mean():
    # .5 and .52 are too near: both move by .04 from their mean .51; .9 stays.
    assert apart([0.5, 0.52, 0.9], gap=0.1) == pytest.approx([0.46, 0.56, 0.9])
    crowded = apart([0.1, 0.11, 0.12, 0.2], gap=0.1)
    assert np.diff(crowded) == pytest.approx([0.1] * 3)
    assert np.mean(crowded) == pytest.approx(np.mean([0.1, 0.11, 0.12, 0.2]))


def test_cost_names_the_front_primary_and_reference_alone_and_is_logarithmic_over_a_decade():
    scores = {"cheap": 0.5, "best": 0.7, "primary": 0.6, "reference": 0.55, "dear": 0.4}
    found = results(scores, primary="primary", reference="reference")
    axes = cost_against(found, dict(zip(scores, [1.0, 20.0, 30.0, 40.0, 50.0], strict=True)), xlabel="s").axes[0]
    assert {text.get_text() for text in axes.texts} == {"cheap", "best", "primary", "reference"}
    assert axes.get_xscale() == "log"
    narrow = cost_against(found, dict(zip(scores, [1.0, 2.0, 3.0, 4.0, 5.0], strict=True)), xlabel="s")
    assert narrow.axes[0].get_xscale() == "linear"


def test_a_picture_is_kept_as_two_files_named_by_its_title(tmp_path):
    figure = ranking(results({"a": 0.5, "b": 0.7}, primary="a", reference="b"))
    shown = Picture("Ranking: Balanced accuracy", figure, "n")
    shown.write(tmp_path / "figures")
    svg, png = (tmp_path / "figures" / f"ranking_balanced_accuracy.{kind}" for kind in ("svg", "png"))
    assert svg.read_text().startswith("<svg xmlns")
    assert shown.image.startswith('<svg role="img" aria-label="Ranking: Balanced accuracy" xmlns')
    assert '<g id="axes_1">' in svg.read_text()  # in a page it would stand in every figure
    assert "<g id=" not in shown.image
    assert png.read_bytes().startswith(b"\x89PNG")
    assert file_name("ROC by class: a-b/c") == "roc_by_class_a_b_c"
