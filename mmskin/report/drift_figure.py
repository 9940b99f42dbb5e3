"""New patients over time, as a model sees them."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mmskin.report.metric_figures import GRID, INK, PALETTE, STYLE

SMALLEST = 1e-6  # p below it are drawn there


def drift_over_time(periods: pd.DataFrame, *, level: float) -> Figure:
    """Mean confidence, share of fields not recorded, and the smallest corrected p, by period.

    Args:
        periods: see `mmskin.external.drift.Drift`.
        level: of the tests, drawn as a line.
    """
    panels = (
        ("confidence", "Mean confidence"),
        ("not_recorded", "Fields not recorded"),
        ("p_adjusted", "Smallest p, corrected"),
    )
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.5, 6.2), layout="constrained")
        places = np.arange(len(periods))
        for axes, (column, title) in zip(figure.subplots(len(panels), 1, sharex=True), panels, strict=True):
            values = periods[column].to_numpy(dtype=np.float64)
            is_p = column == "p_adjusted"
            axes.plot(places, np.maximum(values, SMALLEST) if is_p else values, "o-", color=PALETTE[0], ms=4, lw=1.2)
            axes.set_title(title, loc="left", fontsize=10)
            axes.grid(axis="y", color=GRID, lw=0.6)
            if is_p:
                axes.set_yscale("log")
                axes.set_ylim(SMALLEST / 2, 2)
                axes.axhline(level, color=INK, lw=0.8, ls="--")
            else:
                axes.set_ylim(0, 1)
                axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xticks(places, list(periods["period"]), rotation=45, ha="right")
        axes.set_xlim(-0.5, len(periods) - 0.5)
    return figure
