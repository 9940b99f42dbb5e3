"""Figures that answer at a glance: which arm is best, and which differ from the reference. Best first in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.results import Results, best_first
from mmskin.report.metric_figures import GRID, INK, PALETTE, STYLE

WIDTH = 5.6  # inches: two of them side by side on a wide page, one above the other on a phone
NAMED = PRIMARY, REFERENCE = "primary", "reference"


class Mark(NamedTuple):
    """How a point is drawn, so that no two kinds differ by colour alone."""

    colour: str
    marker: str
    filled: bool = True


ROLES = {
    PRIMARY: Mark(PALETTE[1], "D"),
    REFERENCE: Mark(PALETTE[6], "s"),
    "other arms": Mark(PALETTE[0], "o"),
}
VERDICTS = {
    "better": Mark(PALETTE[2], "^"),
    "not distinguishable": Mark(PALETTE[7], "o", filled=False),
    "worse": Mark(PALETTE[1], "v"),
}


def role_of(arm: str, results: Results) -> str:
    """A key of `ROLES`."""
    return PRIMARY if arm == results.arm else REFERENCE if arm == results.reference else "other arms"


def ranking(results: Results) -> Figure:
    """The metric of all test cases for every arm with its interval, the best arm on top; primary arm and reference are
    marked in words too."""
    rows = best_first(results.overall(), metric=results.metric)
    kinds = [role_of(arm, results) for arm in rows["arm"]]
    labels = [f"{arm} ({kind})" if kind in NAMED else arm for arm, kind in zip(rows["arm"], kinds, strict=True)]
    with mpl.rc_context(STYLE):
        figure, axes = _rows_of(labels, heavy=[kind in NAMED for kind in kinds])
        _draw(axes, rows, [ROLES[kind] for kind in kinds])
        axes.set_xlabel(METRICS[results.metric].title)
    return figure


def difference_forest(results: Results) -> Figure:
    """Every arm minus the reference with its interval, the largest gain on top; the mark tells the verdict."""
    rows = best_first(pd.DataFrame(results.compared()), metric=results.metric)
    labels = [f"{arm} ({PRIMARY})" if arm == results.arm else arm for arm in rows["arm"]]
    with mpl.rc_context(STYLE):
        figure, axes = _rows_of(labels, heavy=[arm == results.arm for arm in rows["arm"]])
        axes.axvline(0, color=INK, lw=1, zorder=1)
        _draw(axes, rows, [VERDICTS[verdict] for verdict in rows["verdict"]])
        for verdict, mark in VERDICTS.items():
            axes.plot([], [], ls="", label=verdict, **_style(mark))
        figure.legend(frameon=False, loc="outside upper right", ncols=3, fontsize=9, handletextpad=0.2)
        axes.set_xlabel(f"{METRICS[results.metric].title}: arm minus {results.reference}")
    return figure


def _rows_of(labels: Sequence[str], *, heavy: Sequence[bool]) -> tuple[Figure, Axes]:
    """A figure with one row a label, the first on top."""
    figure = Figure(figsize=(WIDTH, 0.22 * len(labels) + 1.0), layout="constrained")
    axes = figure.add_subplot()
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    for text, is_heavy in zip(axes.get_yticklabels(), heavy, strict=True):
        text.set_fontweight("bold" if is_heavy else "normal")
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    return figure, axes


def _draw(axes: Axes, rows: pd.DataFrame, marks: Sequence[Mark]) -> None:
    for y, (row, mark) in enumerate(zip(rows.to_dict("records"), marks, strict=True)):
        if np.isfinite(row["low"]):
            axes.hlines(y, row["low"], row["high"], color=mark.colour, lw=1.6)
        axes.plot(row["estimate"], y, ls="", **_style(mark))


def _style(mark: Mark) -> dict[str, Any]:
    inside = mark.colour if mark.filled else "white"
    return {"marker": mark.marker, "ms": 5.5, "mec": mark.colour, "mfc": inside, "mew": 1.4}
