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


def best_first(rows: pd.DataFrame, *, metric: str) -> pd.DataFrame:
    """Rows of one metric by their estimate; equal ones keep their order."""
    return rows.sort_values("estimate", ascending=METRICS[metric].better == "lower", kind="stable")


def role_of(arm: str, *, primary: str, reference: str) -> str:
    """A key of `ROLES`."""
    return PRIMARY if arm == primary else REFERENCE if arm == reference else "other arms"


def ranking(metrics: pd.DataFrame, *, primary: str, reference: str, metric: str = "balanced_accuracy") -> Figure:
    """One metric of all test cases for every arm with its interval, the best arm on top.

    Args:
        metrics: from `evaluate`.
        primary: the arm named before the run; marked in words too, as is
        reference: the arm that it is compared with.
        metric: one that is not per class.
    """
    rows = metrics[(metrics["metric"] == metric) & (metrics["class"] == "") & (metrics["subset"] == "all")]
    rows = best_first(rows, metric=metric)
    kinds = [role_of(arm, primary=primary, reference=reference) for arm in rows["arm"]]
    labels = [f"{arm} ({kind})" if kind in NAMED else arm for arm, kind in zip(rows["arm"], kinds, strict=True)]
    with mpl.rc_context(STYLE):
        figure, axes = _rows_of(labels, heavy=[kind in NAMED for kind in kinds])
        _draw(axes, rows, [ROLES[kind] for kind in kinds])
        axes.set_xlabel(METRICS[metric].title)
    return figure


def difference_forest(differences: pd.DataFrame, *, primary: str, metric: str = "balanced_accuracy") -> Figure:
    """Every arm minus the reference with its interval, the largest gain on top; the mark tells the verdict.

    Args:
        differences: from `compare_arms`.
        primary: the arm named before the run; marked in words.
        metric: which of those compared.
    """
    rows = best_first(differences[differences["metric"] == metric], metric=metric)
    labels = [f"{arm} (primary)" if arm == primary else arm for arm in rows["arm"]]
    with mpl.rc_context(STYLE):
        figure, axes = _rows_of(labels, heavy=[arm == primary for arm in rows["arm"]])
        axes.axvline(0, color=INK, lw=1, zorder=1)
        _draw(axes, rows, [VERDICTS[verdict] for verdict in rows["verdict"]])
        for verdict, mark in VERDICTS.items():
            axes.plot([], [], ls="", label=verdict, **_style(mark))
        figure.legend(frameon=False, loc="outside upper right", ncols=3, fontsize=9, handletextpad=0.2)
        axes.set_xlabel(f"{METRICS[metric].title}: arm minus {rows['reference'].iloc[0]}")
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
