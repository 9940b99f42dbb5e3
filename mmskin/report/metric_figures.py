"""The figures of a report: predictions or metrics in, a matplotlib Figure out, `svg` or `png` to write it.

Figures are made without pyplot, so nothing is kept between calls and no display is needed. Colours are those of Okabe
and Ito (2008), which people with the common colour-vision deficiencies can tell apart; nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import roc_curve

from mmskin.evaluation.metrics import METRICS, Floats, confusion
from mmskin.evaluation.predictions import arm_names, class_names, probabilities, target_codes
from mmskin.evaluation.reliability import reliability_bins
from mmskin.report.fonts import families, told_elsewhere
from mmskin.report.numbers import number, percent

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C8C")
DASHES = ("-", "--", "-.", ":")
INK = "#1f2933"
GRID = "#d9dee3"
# Any: matplotlib types its keys as a Literal of some four hundred names.
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": list(families()),
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,  # class and arm names are text, also when they hold a dollar sign
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "path",  # the reader's machine need not have the font
    "svg.hashsalt": "mmskin",  # equal figures are equal files
}


def svg(figure: Figure) -> str:
    """The figure as an <svg> element to stand inside a page, without XML prologue and date."""
    out = StringIO()
    with mpl.rc_context(STYLE), told_elsewhere():
        figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def png(figure: Figure, *, dpi: int = 150) -> bytes:
    """The figure as the bytes of a PNG file."""
    out = BytesIO()
    with mpl.rc_context(STYLE), told_elsewhere():
        figure.savefig(out, format="png", bbox_inches="tight", dpi=dpi, metadata={"Software": None})
    return out.getvalue()


def confusion_matrix(rows: pd.DataFrame) -> Figure:
    """True class by answer: each row in percent, with its number of cases.

    Args:
        rows: test rows of one arm; several seeds are averaged.
    """
    names = class_names(rows)
    counts = confusion(target_codes(rows), probabilities(rows)) / rows["seed"].nunique()
    cases = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, cases, out=np.zeros_like(counts), where=cases > 0)
    size = 2.2 + 0.72 * len(names)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(size + 0.6, size), layout="constrained")
        axes = figure.add_subplot()
        edges = np.arange(len(names) + 1) - 0.5
        axes.pcolormesh(edges, edges, share, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=1)
        axes.set_aspect("equal")
        axes.invert_yaxis()
        for (i, j), part in np.ndenumerate(share):
            colour = "white" if part > 0.55 else INK
            axes.text(j, i - 0.12, percent(part) if cases[i] else "n/a", ha="center", va="center", color=colour)
            axes.text(
                j, i + 0.24, number(float(counts[i, j]), digits=0), ha="center", va="center", color=colour, fontsize=7.5
            )
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(
            range(len(names)), [f"{name}  n={number(cases[i, 0], digits=0)}" for i, name in enumerate(names)]
        )
        axes.set(xlabel="Answer", ylabel="True class")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return figure


def reliability_diagram(rows: pd.DataFrame) -> Figure:
    """How often answers given with a confidence are right, above how many were given with it.

    Args:
        rows: test rows of one arm; seeds are pooled.
    """
    bins = reliability_bins(target_codes(rows), probabilities(rows), bins=15)
    middle = (bins["low"] + bins["high"]) / 2
    width = 1 / len(bins)
    some = bins[bins["n"] > 0]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 5.2), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
        upper.plot([0, 1], [0, 1], color=INK, lw=1, ls="--", label="calibrated")
        # The area of a point is its number of answers: a far point of three answers says little.
        area = 12 + 160 * some["n"] / some["n"].max()
        upper.plot(some["confidence"], some["accuracy"], color=PALETTE[0], lw=1.2)
        upper.scatter(some["confidence"], some["accuracy"], s=area, color=PALETTE[0], alpha=0.85, label="observed")
        upper.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel="Share of right answers")
        upper.legend(frameon=False, loc="upper left", markerscale=0.6)
        upper.grid(color=GRID, lw=0.6)
        lower.bar(middle, bins["n"] / bins["n"].sum(), width=0.9 * width, color=PALETTE[0])
        lower.set(xlabel="Confidence of the answer", ylabel="Share of cases")
        for axis in (upper.xaxis, upper.yaxis, lower.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def roc_curves(rows: pd.DataFrame) -> Figure:
    """One-versus-rest curves per class, the mean of the curves of all folds and seeds, as for the AUROC.

    Args:
        rows: test rows of one arm.
    """
    names = class_names(rows)
    grid = np.linspace(0, 1, 201)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.8, 4.6), layout="constrained")
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=GRID, lw=1)
        for c, name in enumerate(names):
            curves = [_roc(part, c, grid) for _, part in rows.groupby(["seed", "fold"])]
            defined = [curve for curve in curves if curve is not None]
            if defined:
                style = DASHES[(c // len(PALETTE) + c) % len(DASHES)]
                axes.plot(grid, np.mean(defined, axis=0), color=PALETTE[c % len(PALETTE)], ls=style, lw=1.6, label=name)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="1 - specificity", ylabel="Sensitivity")
        axes.grid(color=GRID, lw=0.6)
        axes.legend(frameon=False, loc="lower right", fontsize=9, handlelength=3)
    return figure


def _roc(rows: pd.DataFrame, code: int, grid: Floats) -> Floats | None:
    positive = target_codes(rows) == code
    if positive.all() or not positive.any():
        return None
    false_rate, true_rate, _ = roc_curve(positive, probabilities(rows)[:, code])
    curve: Floats = np.interp(grid, false_rate, true_rate)
    curve[0] = 0.0
    return curve


def sensitivity_forest(metrics: pd.DataFrame, *, arms: Sequence[str] | None = None, subset: str = "all") -> Figure:
    """Sensitivity by class with 95 % intervals, arms side by side.

    Args:
        metrics: from `evaluate`.
        arms: which; the first four if not given, as more cannot be told apart.
        subset: "all" or "fully_recorded".
    """
    rows = metrics[(metrics["metric"] == "sensitivity") & (metrics["subset"] == subset)]
    shown = list(arms) if arms is not None else list(arm_names(rows))[:4]
    classes = rows.drop_duplicates("class")
    labels = [f"{name}  n={n}" for name, n in zip(classes["class"], classes["n"], strict=True)]
    lines = {arm: rows[rows["arm"] == arm].set_index("class").reindex(list(classes["class"])) for arm in shown}
    return _forest(lines, labels=labels, xlabel="Sensitivity")


def metric_intervals(metrics: pd.DataFrame, *, metric: str = "balanced_accuracy") -> Figure:
    """One metric for every arm with its 95 % interval, the arms in their order; subsets side by side.

    Args:
        metrics: from `evaluate`.
        metric: one that is not per class.
    """
    rows = metrics[(metrics["metric"] == metric) & (metrics["class"] == "")]
    arms = list(arm_names(rows))
    lines = {}
    for subset in rows["subset"].drop_duplicates():
        of_subset = rows[rows["subset"] == subset].set_index("arm").reindex(arms)
        sizes = sorted({int(n) for n in of_subset["n"].dropna()})
        title = (
            f"{str(subset).replace('_', ' ')}, n={' to '.join(f'{n:,}' for n in (sizes[0], sizes[-1])[: len(sizes)])}"
        )
        lines[title] = of_subset
    return _forest(lines, labels=arms, xlabel=METRICS[metric].title)


def _forest(lines: Mapping[str, pd.DataFrame], *, labels: Sequence[str], xlabel: str) -> Figure:
    """Points with intervals: labels down the side, one colour and marker per line."""
    height = max(0.30 * len(labels) * max(1.0, 0.6 * len(lines)), 0.5) + 1.1
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, height), layout="constrained")
        axes = figure.add_subplot()
        offsets = (np.arange(len(lines)) - (len(lines) - 1) / 2) * 0.7 / max(len(lines), 1)
        for k, (title, rows) in enumerate(lines.items()):
            _points(axes, rows, y=np.arange(len(labels)) + offsets[k], place=k, title=title)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.set_xlabel(xlabel)
        axes.grid(axis="x", color=GRID, lw=0.6)
        axes.tick_params(axis="y", length=0)
        if len(lines) > 1:
            figure.legend(frameon=False, loc="outside upper left", ncols=min(len(lines), 4), fontsize=9)
    return figure


def _points(axes: Axes, rows: pd.DataFrame, *, y: Floats, place: int, title: str) -> None:
    colour, marker = PALETTE[place % len(PALETTE)], "osD^"[place % 4]
    axes.hlines(y, rows["low"], rows["high"], color=colour, lw=1.6)
    axes.plot(rows["estimate"], y, ls="", marker=marker, ms=5.5, color=colour, label=title)


def missing_curves(scores: pd.DataFrame, *, arms: Sequence[str], chance: float) -> Figure:
    """Balanced accuracy against the share of fields that is hidden, a panel a mechanism; dotted: chance.

    The band is the 95 % interval of the first arm; bands of all would hide each other.

    Args:
        scores: from `evaluate_missing`.
        arms: which, eight or fewer.
        chance: where the dotted line stands.
    """
    curves = scores[(scores["rate"] > 0) & (scores["rate"] < 1)]
    mechanisms = list(curves["scenario"].drop_duplicates())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.1 * len(mechanisms) + 0.4, 3.6), layout="constrained")
        panels = figure.subplots(1, len(mechanisms), sharey=True, squeeze=False)[0]
        for axes, mechanism in zip(panels, mechanisms, strict=True):
            axes.axhline(chance, color=INK, lw=1, ls=":")
            for k, arm in enumerate(arms):
                of_arm = scores[(scores["arm"] == arm) & ((scores["scenario"] == mechanism) | (scores["rate"] == 0))]
                line = of_arm.sort_values("rate")
                style = {"color": PALETTE[k], "ls": DASHES[k % len(DASHES)], "marker": "osD^vP*X"[k]}
                axes.plot(line["rate"], line["estimate"], lw=1.4, ms=4.5, label=arm, **style)
                if k == 0:
                    axes.fill_between(line["rate"], line["low"], line["high"], color=PALETTE[0], alpha=0.15, lw=0)
            axes.set(
                title=mechanism.replace("_", " ").capitalize(), xlim=(-0.03, 0.95), xlabel="Share of fields hidden"
            )
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.grid(color=GRID, lw=0.6)
        panels[0].set_ylabel(METRICS["balanced_accuracy"].title)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, frameon=False, loc="outside lower center", ncols=3, fontsize=9, handlelength=3)
    return figure


def corruption_losses(scores: pd.DataFrame, *, arms: Sequence[str], severity: int) -> Figure:
    """What each fault of photos changes in balanced accuracy, with 95 % intervals, arms side by side.

    Args:
        scores: of balanced accuracy, from `evaluate_robustness`.
        arms: which, four or fewer; faults are in the order of what the first loses.
        severity: of the faults.
    """
    rows = scores[scores["severity"] == severity]
    shown = rows[["arm", "corruption"]].assign(
        estimate=rows["change"], low=rows["change_low"], high=rows["change_high"]
    )
    by_arm = {arm: shown[shown["arm"] == arm].set_index("corruption") for arm in arms}
    order = list(by_arm[arms[0]].sort_values("estimate", kind="stable").index)
    lines = {arm: of_arm.loc[order] for arm, of_arm in by_arm.items()}
    labels = [str(name).replace("_", " ") for name in order]
    figure = _forest(lines, labels=labels, xlabel="Change of balanced accuracy")
    figure.axes[0].axvline(0, color=INK, lw=1, ls=":")
    return figure
