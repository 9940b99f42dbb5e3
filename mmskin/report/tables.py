"""The tables of a report: metrics, classes, differences and tests, a row an arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from mmskin.evaluation.metrics import METRICS, group_metrics
from mmskin.evaluation.predictions import arm_names
from mmskin.evaluation.results import Results
from mmskin.report.class_legend import titled
from mmskin.report.numbers import MINUS, NOTHING, count, difference, number, p_cell, p_value, with_interval
from mmskin.report.pages import Grid

ANSWERS = ("balanced_accuracy", "macro_auroc", "macro_f1", "accuracy", "top3_accuracy")
PROBABILITIES = ("log_loss", "brier", "ece", "calibration_slope", "macro_auroc_pooled")
CLASS_TABLE = ("sensitivity", "specificity", "auroc", "calibration_in_the_large")
PROBABILITIES_NOTE = (
    "Calibration slope: 1 is calibrated, below 1 overconfident, above 1 underconfident. The calibration error is "
    "biased upwards, and more so in resamples: its interval may lie above the estimate."
)
MANY_ARMS = 12  # of more, all tables but the first and the last are folded
SUBSETS = {"all": "All test cases", "fully_recorded": "Fully recorded cases"}


def result_grids(results: Results) -> list[Grid]:
    """All tables; of many arms only the first and the last, which is of classes, lie open."""
    metrics, grids = results.metrics, []
    for subset, title in SUBSETS.items():
        rows = metrics[metrics["subset"] == subset]
        if rows.empty:
            continue
        grids.append(_arm_grid(rows, title, ANSWERS))
        grids.append(_arm_grid(rows, f"{title}: probabilities", PROBABILITIES, PROBABILITIES_NOTE))
        grids += _class_group_grids(rows, title, results)
    if results.differences is not None and len(results.differences):
        grids.append(_difference_grid(results.differences))
    if results.tests is not None:
        grids.append(paired_tests_grid(results.tests))
    grids.append(_class_grid(results))
    is_long, last = metrics["arm"].nunique() > MANY_ARMS, len(grids) - 1
    return [grid._replace(folded=is_long and k not in (0, last)) for k, grid in enumerate(grids)]


def _arm_grid(rows: pd.DataFrame, title: str, names: Sequence[str], note: str = "") -> Grid:
    cells = _cells(rows[rows["class"] == ""], key=["arm", "metric"])
    sizes = rows[rows["metric"] == names[0]].set_index("arm")["n"]
    lines = [[arm, *(cells.get((arm, name), NOTHING) for name in names), count(sizes[arm])] for arm in arm_names(rows)]
    return Grid(title, ["Arm", *(METRICS[name].title for name in names), "n"], lines, note)


def _class_group_grids(rows: pd.DataFrame, title: str, results: Results) -> list[Grid]:
    names = group_metrics([])
    of_groups = rows[rows["metric"].isin(list(names))]
    grids = []
    for name, part in of_groups.groupby("class", sort=False):
        group = str(name)
        cells = _cells(part, key=["arm", "metric"])
        sizes = part.drop_duplicates("arm").set_index("arm")["n"]
        lines = [[arm, *(cells[arm, name] for name in names), count(sizes[arm])] for arm in arm_names(part)]
        head = ["Arm", *(metric.title for metric in names.values()), f"n {group}"]
        members = [titled(member, results.class_titles) for member in results.class_groups.get(group, ())]
        note = f"Sensitivity and specificity: whether the answer is one of the {group} classes, whichever it is."
        note += f" {group.capitalize()}: {'; '.join(members)}." if members else ""
        grids.append(Grid(f"{title}: {group} against the other classes", head, lines, note))
    return grids


def _class_grid(results: Results) -> Grid:
    rows = results.metrics[(results.metrics["arm"] == results.arm) & (results.metrics["subset"] == "all")]
    of_classes = rows[rows["metric"].isin(CLASS_TABLE)]
    cells = _cells(of_classes, key=["class", "metric"])
    sizes = of_classes.drop_duplicates("class").set_index("class")["n"]
    lines = [
        [titled(str(name), results.class_titles), *(cells[name, m] for m in CLASS_TABLE), count(n)]
        for name, n in sizes.items()
    ]
    note = "Predicted minus observed: mean predicted probability of the class minus its share; 0 is calibrated."
    return Grid(f"By class: {results.arm}", ["Class", *(METRICS[m].title for m in CLASS_TABLE), "n"], lines, note)


def _difference_grid(differences: pd.DataFrame) -> Grid:
    lines = [
        [
            f"{row['arm']} {MINUS} {row['reference']}",
            METRICS[row["metric"]].title,
            difference(row),
            p_cell(row["p_adjusted"]),
            p_cell(row["p_holm_all"]),
            number(row["detectable"]),
            row["verdict"],
        ]
        for row in differences.to_dict("records")
    ]
    head = ["Arms", "Metric", "Difference", "p", "p (Holm, all arms)", "Detectable", "Verdict"]
    note = (
        "Both arms are read in the same resampled patients; of arms with several training seeds the interval holds the "
        "luck of training too. p is corrected for the number of arms by Holm; only "
        "that of the primary difference, named before the run, is not. Detectable: the true difference "
        "that would be found four times in five on this many patients."
    )
    return Grid("Paired differences", head, lines, note)


def paired_tests_grid(tests: pd.DataFrame) -> Grid:
    """An arm a line, a question a column: the difference and its p."""
    questions = tests[["metric", "class"]].drop_duplicates()
    head = [column_title(str(metric), str(of)) for metric, of in questions.itertuples(index=False)]
    lines = []
    for (arm, reference), rows in tests.groupby(["arm", "reference"], sort=False):
        cells = [f"{number(row['estimate'], sign=True)} ({p_value(row['p'])})" for row in rows.to_dict("records")]
        lines.append([f"{arm} {MINUS} {reference}", *cells])
    note = (
        "Exploratory, p not corrected for the number of arms and columns. Balanced accuracy: right and wrong answers "
        "swapped between the arms patient by patient. AUROC: within folds, DeLong with patients as clusters."
    )
    return Grid("Further paired tests", ["Arms", *head], lines, note)


def subgroup_grids(results: Results) -> list[Grid]:
    """A table a subgroup column, a row a value."""
    subgroups, grids = results.subgroups, []
    for group, rows in subgroups[subgroups["arm"] == results.arm].groupby("group", sort=False):
        columns = rows[["metric", "class"]].drop_duplicates()
        columns = columns[(columns["class"] == "") | columns["metric"].isin(["group_sensitivity"])]
        keys = [(str(metric), str(of)) for metric, of in columns.itertuples(index=False)]
        lines = []
        for value, part in rows.groupby("value", sort=False):
            cells = _cells(part, key=["metric", "class"])
            overall = part.iloc[0]
            shown = [cells.get(key, NOTHING) for key in keys]
            lines.append([str(value), *shown, count(overall["n"]), count(overall["patients"]), str(overall["note"])])
        head = [column_title(*key) for key in keys]
        grids.append(Grid(_words(str(group)), [_words(str(group)), *head, "n", "Patients", "Note"], lines))
    return grids


def column_title(metric: str, of: str) -> str:
    """What a metric is called, with the class or class group that it is of."""
    title = "AUROC" if metric == "auroc" else {**METRICS, **group_metrics([])}[metric].title
    return f"{title}, {of}" if of else title


def _cells(rows: pd.DataFrame, *, key: list[str]) -> dict[tuple[Any, Any], str]:
    """Printed estimates with intervals by two columns."""
    return {(row[key[0]], row[key[1]]): with_interval(row) for row in rows.to_dict("records")}


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
