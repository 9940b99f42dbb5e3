"""The subgroups that an arm serves worst: a sentence that says whether chance could explain it, and a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mmskin.evaluation.intervals import LEVEL
from mmskin.evaluation.results import Results
from mmskin.evaluation.subgroup_gaps import NO_CLASSES, WORST
from mmskin.evaluation.subgroups import TOO_FEW
from mmskin.report.numbers import count, difference, number, p_cell, p_value, percent, with_interval
from mmskin.report.pages import Grid
from mmskin.report.tables import column_title

FEW_EXCHANGED = 0.5  # a guess: the test then rests on less than half of the cases
NOTE = (
    "The rest: the other cases of the column whose value has enough cases, scored on the same classes. If alike: the "
    "score expected of this value's mix of classes if all values were alike. The worst value is picked by looking, so "
    "its interval alone shows no gap; p asks whether all values of the column are alike, with values exchanged "
    "between patients who have the same classes, corrected by Holm for the number of columns, not of metrics. A score "
    "averages the classes that have enough cases in every value, and may differ from that of the tables below."
)


def largest_gaps_grid(results: Results) -> Grid | None:
    """A row a column and metric in which two values can be compared; None where there is none."""
    worst = _worst(results)
    head = ["Column", "Metric", "Worst", "n", "Score", "If alike", "Gap to the rest", "p", "p (Holm)", "Classes"]
    rows = [
        [
            column_words(row["group"]).capitalize(),
            column_title(row["metric"], row["class"]),
            row["value"],
            count(row["n"]),
            with_interval(row),
            number(row["expected"]),
            _gap(row),
            p_cell(row["p"]),
            p_cell(row["p_holm"]),
            row["note"] or "all",
        ]
        for row in worst.to_dict("records")
    ]
    return Grid("Largest gaps", head, rows, NOTE) if rows else None


def gap_lines(results: Results) -> list[str]:
    """Whether a gap is more than chance, of which value; then what is too few to say. [] without any subgroup."""
    gaps = _of_arm(results)
    if gaps.empty:
        return []
    return [_verdict(_worst(results)), *_left_out(gaps)]


def column_words(group: str) -> str:
    """The name of a column of subgroups inside a sentence."""
    return group.replace("_", " ")


def _verdict(worst: pd.DataFrame) -> str:
    if worst.empty:
        return "No column has two subgroups with enough cases to be compared: nothing is said about gaps."
    found = worst[worst["p_holm"] <= LEVEL].sort_values(["p_holm", "gap_to_rest"], kind="stable").to_dict("records")
    if not found:
        return (
            "No gap between subgroups can be told from chance "
            f"(the smallest p after Holm's correction is {p_cell(worst['p_holm'].min())})."
        )
    row = found[0]
    sentence = (
        f"{column_words(row['group']).capitalize()}: {_metric_words(row)} is worst for {row['value']} "
        f"({count(row['n'])} cases), {with_interval(row)}, {_gap(row)} to the rest; the values differ by more than "
        f"chance ({p_value(row['p_holm'])} after Holm's correction)"
    )
    others = [f"{column_words(other['group'])} ({_metric_words(other)})" for other in found[1:]]
    return f"{sentence}. So do those of {', '.join(others)}." if others else f"{sentence}."


def _left_out(gaps: pd.DataFrame) -> Iterator[str]:
    """What is too few to say, column by column, and of class groups what is not said of the column already."""
    few, apart, weak = [], [], []
    for group, of_column in gaps.groupby("group", sort=False):
        said: set[str] = set()
        is_compared = (of_column["rank"] == WORST).any()
        for of, rows in of_column.drop_duplicates(["class", "value"]).groupby("class", sort=False):
            name = f"{column_words(str(group))}{_for(str(of))}"
            scarce = rows[(rows["note"] == TOO_FEW) & ~rows["value"].isin(list(said))]
            said |= set(scarce["value"])
            if len(scarce):
                sizes = zip(scarce["value"], scarce["n"], strict=True)
                few.append(f"{name}: {', '.join(f'{value} ({count(n)})' for value, n in sizes)}")
            if (rows["note"] == NO_CLASSES).any():
                apart.append(f"Not compared: {name}, which has {NO_CLASSES}.")
            elif (rows["rank"] == "").all() and (is_compared or not of):
                apart.append(f"Not compared: {name}, which has fewer than two values with enough cases.")
            elif (share := rows["exchanged"].max()) < FEW_EXCHANGED:
                weak.append(
                    f"The test of {name} is weak: only {percent(share)} of the cases have another patient with the "
                    "same classes and another value."
                )
    if few:
        yield f"{TOO_FEW.capitalize()} (n): {'; '.join(few)}."
    yield from apart
    yield from weak


def _for(class_group: str) -> str:
    return f" (sensitivity, {class_group})" if class_group else ""


def _metric_words(row: dict[Any, Any]) -> str:
    title = column_title(row["metric"], row["class"])
    return title[0].lower() + title[1:]


def _gap(row: dict[Any, Any]) -> str:
    return difference({"estimate": row["gap_to_rest"], "low": row["gap_to_rest_low"], "high": row["gap_to_rest_high"]})


def _worst(results: Results) -> pd.DataFrame:
    gaps = _of_arm(results)
    return gaps[gaps["rank"] == WORST]


def _of_arm(results: Results) -> pd.DataFrame:
    gaps = results.subgroup_gaps
    return pd.DataFrame({"rank": []}) if gaps is None else gaps[gaps["arm"] == results.arm]
