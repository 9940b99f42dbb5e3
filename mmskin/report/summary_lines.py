"""The lines that a person reads first, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmskin.evaluation.results import Results, best_first
from mmskin.json_values import records
from mmskin.report.numbers import MINUS, difference, number, p_value, with_interval
from mmskin.report.results_report import caveats

HEADLINE = ("balanced_accuracy", "macro_auroc", "macro_f1", "log_loss")


def summary(results: Results) -> dict[str, Any]:
    """What a person reads first, as plain values: every arm's metrics over all classes, and the differences."""
    metrics = results.metrics
    return {
        "arm": results.arm,
        "metrics": records(metrics[metrics["class"] == ""].drop(columns="class")),
        "differences": records(results.differences),
        "notes": caveats(results),
    }


def summary_lines(results: Results) -> list[str]:
    """The primary difference, if one was named; then, under "exploratory:", a row per arm and subset, and the other
    differences, the best first."""
    scores, differences = [*_scores(results.metrics), *caveats(results)], results.differences
    if differences is None:
        return scores
    is_primary = differences["role"] == "primary"
    rest = [*scores, "", *_differences(differences[~is_primary], results)]
    if not is_primary.any():
        return rest
    answer = _differences(differences[is_primary], results)
    return ["primary, named before the run:", *answer, "", "exploratory:", *rest]


def _scores(metrics: pd.DataFrame) -> list[str]:
    width = max(len(arm) for arm in metrics["arm"]) + 2
    lines = [f"{'arm':{width}}{'cases':24}" + "".join(f"{name:24}" for name in HEADLINE)]
    for arm, subset in metrics[["arm", "subset"]].drop_duplicates().itertuples(index=False):
        rows = metrics[(metrics["arm"] == arm) & (metrics["subset"] == subset)]
        whole = rows[rows["class"] == ""].set_index("metric")
        count = f"{subset.replace('_', ' ')} ({whole.loc[HEADLINE[0], 'n']})"
        cells = [with_interval(whole.loc[name].to_dict()) for name in HEADLINE]
        lines.append(f"{arm:{width}}{count:24}" + "".join(f"{cell:24}" for cell in cells))
    return lines


def _differences(differences: pd.DataFrame, results: Results) -> list[str]:
    """A line per difference; within each metric the best arm first."""
    lines = []
    for name, rows in differences.groupby("metric", sort=False):
        scores = results.overall(str(name)).set_index("arm")["estimate"].to_dict()
        lines += [_difference(row, scores) for row in best_first(rows, metric=str(name)).to_dict("records")]
    return lines


def _difference(row: Mapping[Any, Any], scores: Mapping[Any, float]) -> str:
    """Both values, the difference with its interval, p, the verdict, and what could have been found at all."""
    p = p_value(row["p_adjusted"])
    if row["role"] == "primary" and row["p_holm_all"] != row["p_adjusted"]:
        p += f" ({p_value(row['p_holm_all'])} by Holm over all arms)"
    both = f"{number(scores[row['arm']])} {MINUS} {number(scores[row['reference']])}"
    return (
        f"{row['arm']} - {row['reference']}, {row['metric'].replace('_', ' ')}: {both} = {difference(row)}, {p}, "
        f"{row['verdict']}; detectable {number(row['detectable'])}"
    )
