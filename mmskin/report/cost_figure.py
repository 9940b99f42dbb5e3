"""What accuracy costs: one point an arm, and by name those that nothing cheaper equals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.results import Results
from mmskin.report.metric_figures import GRID, STYLE
from mmskin.report.ranking_figures import NAMED, ROLES, role_of

DECADE = 10  # costs that differ by less stand on a linear axis: a logarithmic one would have no number on it
GAP = 0.055  # between two names, as a share of the height of the figure


def front(cost: Sequence[float], gain: Sequence[float]) -> list[bool]:
    """Whether no other point is at least as cheap and at least as good, and better in one of the two (Pareto)."""
    points = np.column_stack([cost, np.negative(gain)]).astype(np.float64)
    return [not ((points <= point).all(axis=1) & (points < point).any(axis=1)).any() for point in points]


def cost_against(results: Results, costs: Mapping[str, float], *, xlabel: str) -> Figure:
    """Cost, on a logarithmic axis where it spans a decade, against the metric; named are the primary arm, the
    reference and the arms of the front.

    Args:
        results: of the arms.
        costs: by arm, above 0.
        xlabel: what the cost is, with its unit.
    """
    metric, rows = METRICS[results.metric], results.overall()
    rows = rows[rows["arm"].isin(list(costs))].sort_values("estimate").reset_index(drop=True)
    rows = rows.assign(cost=rows["arm"].map(costs))
    is_front = front(list(rows["cost"]), list(rows["estimate"] if metric.better == "higher" else -rows["estimate"]))
    kinds = [role_of(arm, results) for arm in rows["arm"]]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.6, 4.4), layout="constrained")
        axes = figure.add_subplot()
        for kind in [kind for kind in ROLES if kind in kinds]:
            mark, chosen = ROLES[kind], rows[[k == kind for k in kinds]]
            axes.vlines(chosen["cost"], chosen["low"], chosen["high"], color=mark.colour, lw=0.8, alpha=0.35)
            axes.plot(
                chosen["cost"], chosen["estimate"], ls="", marker=mark.marker, color=mark.colour, ms=6, label=kind
            )
        stairs = rows[is_front].sort_values("cost")
        axes.step(
            stairs["cost"], stairs["estimate"], where="post", color=GRID, lw=1.2, zorder=0, label="best at its cost"
        )
        axes.set(xlabel=xlabel, ylabel=metric.title)
        if rows["cost"].max() > DECADE * rows["cost"].min():
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(color=GRID, lw=0.6)
        axes.set_axisbelow(True)
        named = rows[[is_best or kind in NAMED for is_best, kind in zip(is_front, kinds, strict=True)]]
        _names(axes, named)
        figure.legend(frameon=False, loc="outside upper left", ncols=4, fontsize=9)
    return figure


def _names(axes: Axes, rows: pd.DataFrame) -> None:
    """Names down the right side, each tied to its point, moved apart where they would touch."""
    low, high = axes.get_ylim()
    heights = [(value - low) / (high - low) for value in rows["estimate"]]
    for row, y in zip(rows.to_dict("records"), apart(heights, gap=GAP), strict=True):
        axes.annotate(
            row["arm"],
            xy=(row["cost"], row["estimate"]),
            xytext=(1.03, y),
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            arrowprops={"arrowstyle": "-", "color": "#8C8C8C", "lw": 0.6, "shrinkB": 4},
            annotation_clip=False,
        )


def apart(places: Sequence[float], *, gap: float) -> list[float]:
    """Rising places, moved as little up or down as leaves `gap` between neighbours: runs of them about their mean."""
    runs: list[list[float]] = []
    for place in places:
        runs.append([place])
        while len(runs) > 1 and _spread(runs[-1], gap)[0] - _spread(runs[-2], gap)[-1] < gap:
            last = runs.pop()
            runs[-1] += last
    return [place for run in runs for place in _spread(run, gap)]


def _spread(run: Sequence[float], gap: float) -> list[float]:
    middle = sum(run) / len(run)
    return [middle + (k - (len(run) - 1) / 2) * gap for k in range(len(run))]
