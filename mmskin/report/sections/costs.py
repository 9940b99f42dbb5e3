"""What each arm costs: parameters, training, and the time and memory of one answer, beside its accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.predictions import arm_names
from mmskin.evaluation.results import Results
from mmskin.json_values import records
from mmskin.report.cost_figure import cost_against
from mmskin.report.numbers import rough
from mmskin.report.pages import Grid, Section
from mmskin.report.pictures import Picture
from mmskin.report.tables import MANY_ARMS

NOTE = (
    "One thread of a CPU. Training: CPU seconds of one cell, which is one fold with one seed; mean over cells. What "
    "frozen encoders put out is computed once for all arms and not counted. Latency: from photo files and "
    "history to the answer. Memory: weights, and the peak of one answer. A dash: not measured, or there is none."
)
PICTURE_NOTE = "By name: the primary arm, the reference, and arms that nothing cheaper equals."
SUMMED = {
    "parameters": "max",
    "parameters_total": "max",
    "fit_cpu_seconds": "mean",
    "latency_ms": "mean",
    "memory_mb": "max",
}
HEAD = ("Parameters that learn", "Parameters in all", "Training, CPU s a cell", "Latency, ms", "Memory, MB")


def by_arm(costs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row an arm in the order of their cells, the columns of `SUMMED`; NaN for what no cell of the arm measured."""
    cells = pd.DataFrame(list(costs), columns=["arm", *SUMMED])
    cells = cells.astype(dict.fromkeys(SUMMED, float))
    return cells.groupby("arm", sort=False).agg(SUMMED).reset_index()


def cost_section(costs: Sequence[Mapping[str, Any]], results: Results) -> Section:
    """The table by arm in the order of the results, and cost against accuracy.

    Args:
        costs: of every cell; keys as in `SUMMED`, with its arm.
        results: of the arms.
    """
    table = by_arm(costs).set_index("arm")
    arms = [arm for arm in arm_names(results.metrics) if arm in table.index]
    table = table.loc[arms].reset_index()
    lines = [[row["arm"], *(rough(row[name]) for name in SUMMED)] for row in table.to_dict("records")]
    return Section(
        "What it costs",
        NOTE,
        pictures=_pictures(table, results),
        grids=[Grid("By arm", ["Arm", *HEAD], lines, folded=len(lines) > MANY_ARMS)],
        saved={"costs": records(table), "cells": [dict(cost) for cost in costs]},
    )


def _pictures(table: pd.DataFrame, results: Results) -> list[Picture]:
    """One for each cost that two arms or more have."""
    pictures = []
    for cost, name, xlabel in (
        ("fit_cpu_seconds", "Training", "Training, CPU seconds a cell"),
        ("latency_ms", "Latency", "Latency of one answer, ms"),
    ):
        rows = table[table[cost] > 0]
        measured = dict(zip(rows["arm"], rows[cost], strict=True))
        if len(measured) > 1:
            title = f"{name} against {METRICS[results.metric].title.lower()}"
            pictures.append(Picture(title, cost_against(results, measured, xlabel=xlabel), PICTURE_NOTE))
    return pictures
