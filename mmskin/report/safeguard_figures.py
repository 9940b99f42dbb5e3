"""Curves of decisions: net benefit by threshold, and risk by the share of cases that is answered."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mmskin.report.metric_figures import DASHES, GRID, INK, PALETTE, STYLE

STRATEGIES = {"model": "the model", "all": "everybody", "none": "nobody"}
BEFORE_AFTER = {"as trained": "as trained", "bias_corrected": "calibrated"}
RISKS = {"risk": "all cases", "balanced_risk": "balanced over classes"}


def reliability(by_parts: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of right answers by confidence, before and after calibration, a panel a set of parts.

    Args:
        by_parts: by title, bins with method, confidence, accuracy, right_low, right_high.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.1 * len(by_parts) + 0.4, 3.6), layout="constrained")
        panels = figure.subplots(1, len(by_parts), sharey=True, squeeze=False)[0]
        for axes, (title, bins) in zip(panels, by_parts.items(), strict=True):
            axes.plot([0, 1], [0, 1], color=INK, lw=1, ls=":")
            for k, (method, words) in enumerate(BEFORE_AFTER.items()):
                rows = bins[bins["method"] == method]
                axes.vlines(
                    rows["confidence"], rows["right_low"], rows["right_high"], color=PALETTE[k], lw=1.4, alpha=0.6
                )
                axes.plot(
                    rows["confidence"], rows["accuracy"], color=PALETTE[k], marker="os"[k], ms=4.5, lw=1.2, label=words
                )
            axes.set(title=title, xlim=(0, 1), ylim=(0, 1), xlabel="Confidence of the answer")
            axes.grid(color=GRID, lw=0.6)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(PercentFormatter(1, decimals=0))
        panels[0].set_ylabel("Share of right answers")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, frameon=False, loc="outside lower center", ncols=2, fontsize=9)
    return figure


def decision_curve(curve: pd.DataFrame) -> Figure:
    """Net benefit of acting on the model, on everybody and on nobody.

    Args:
        curve: of `mmskin.evaluation.decision_curve`.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.8), layout="constrained")
        axes = figure.add_subplot()
        for k, (strategy, title) in enumerate(STRATEGIES.items()):
            rows = curve[curve["strategy"] == strategy]
            colour = INK if strategy == "none" else PALETTE[k]
            axes.plot(rows["threshold"], rows["net_benefit"], color=colour, ls=DASHES[k % len(DASHES)], label=title)
            if strategy != "none":
                axes.fill_between(rows["threshold"], rows["low"], rows["high"], color=colour, alpha=0.15, lw=0)
        axes.set(
            xlabel="Probability of a dangerous class from which to act", ylabel="Net benefit a case", ylim=(-0.05, None)
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(color=GRID, lw=0.6)
        axes.legend(frameon=False, title="Act on", alignment="left")
    return figure


def risk_coverage(curve: pd.DataFrame) -> Figure:
    """Wrong answers among the most confident cases.

    Args:
        curve: of `mmskin.evaluation.risk_coverage`, of one arm.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.8), layout="constrained")
        axes = figure.add_subplot()
        for k, (metric, title) in enumerate(RISKS.items()):
            rows = curve[curve["metric"] == metric].sort_values("coverage")
            axes.plot(rows["coverage"], rows["estimate"], color=PALETTE[k], marker="os"[k], ms=4.5, label=title)
            axes.fill_between(rows["coverage"], rows["low"], rows["high"], color=PALETTE[k], alpha=0.15, lw=0)
        axes.set(
            xlabel="Share of cases that is answered, the most confident first",
            ylabel="Share of wrong answers",
            ylim=(0, None),
        )
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(color=GRID, lw=0.6)
        axes.legend(frameon=False, loc="upper left")
    return figure
