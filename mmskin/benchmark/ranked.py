"""The section that ranks the arms, and the order in which every table of the page names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmskin.benchmark.benchmark_config import Primary
from mmskin.benchmark.headline import in_words
from mmskin.report.pages import Section
from mmskin.report.pictures import picture
from mmskin.report.ranking import best_first, difference_forest, ranking
from mmskin.report.results import Results

RANKING_NOTE = "Lines are 95 % intervals from resampled patients: they overlap although differences are paired."
FOREST_NOTE = "Both arms in the same resampled patients. Better or worse: p at most .05, corrected for the search."


def ranked_section(results: Results, primary: Primary, *, folder: Path) -> Section:
    """All arms, best first, and beside them their differences to the reference."""
    assert results.differences is not None
    metric = primary.metric
    ranked = ranking(results.metrics, primary=primary.arm, reference=primary.reference, metric=metric)
    forest = difference_forest(results.differences, primary=primary.arm, metric=metric)
    return Section(
        "Which arm is best",
        pictures=[
            picture(f"Ranking by {in_words(metric)}", ranked, note=RANKING_NOTE, folder=folder),
            picture(f"Paired difference to {primary.reference}", forest, note=FOREST_NOTE, folder=folder),
        ],
    )


def in_order(results: Results, primary: Primary) -> Results:
    """The same, arms in the order of `arm_order` in every table."""
    order = arm_order(results.metrics, primary)
    subgroups, metrics = _sorted(results.subgroups, order), _sorted(results.metrics, order)
    tests = None if results.tests is None else _sorted(results.tests, order)
    differences = results.differences
    if differences is not None:
        parts = [_sorted(rows, order) for _, rows in differences.groupby("metric", sort=False)]
        differences = pd.concat(parts, ignore_index=True) if parts else differences
    return results._replace(metrics=metrics, differences=differences, tests=tests, subgroups=subgroups)


def arm_order(metrics: pd.DataFrame, primary: Primary) -> list[str]:
    """The primary arm, its reference, then the others by the primary metric of all test cases, best first."""
    rows = metrics[(metrics["metric"] == primary.metric) & (metrics["class"] == "") & (metrics["subset"] == "all")]
    return list(dict.fromkeys([primary.arm, primary.reference, *best_first(rows, metric=primary.metric)["arm"]]))


def _sorted(rows: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    place = {arm: k for k, arm in enumerate(order)}
    return rows.sort_values("arm", key=lambda arms: arms.map(place), kind="stable", ignore_index=True)
