"""The page that says what came out: one HTML file that needs nothing else, and the same numbers as JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mmskin.errors import ConfigError, DataError, one_of
from mmskin.evaluation.metrics import METRICS, group_metrics
from mmskin.evaluation.paired_tests import paired_tests_grid
from mmskin.evaluation.predictions import arm_names, reported_rows
from mmskin.report import metric_figures as draw
from mmskin.report.numbers import MINUS, NOTHING, count, difference, number, p_cell, p_value, with_interval
from mmskin.report.pages import Grid, Picture, Sections, environment, records, render
from mmskin.report.pictures import picture

NOT_A_DIAGNOSIS = (
    "Research software. These numbers describe a model on one collection of photos; they are not a diagnosis, and "
    "the model must not be used to make one or to rule one out."
)
ANSWERS = ("balanced_accuracy", "macro_auroc", "macro_f1", "accuracy", "top3_accuracy")
PROBABILITIES = ("log_loss", "brier", "ece", "calibration_slope", "macro_auroc_pooled")
CLASS_TABLE = ("sensitivity", "specificity", "auroc", "calibration_in_the_large")
PROBABILITIES_NOTE = (
    "Calibration slope: 1 is calibrated, below 1 overconfident, above 1 underconfident. The calibration error is "
    "biased upwards, and more so in resamples: its interval may lie above the estimate."
)
MANY_ARMS = 12  # of more, all tables but the first are folded, and the figure of all arms is left out
SUBSETS = {"all": "All test cases", "fully_recorded": "Fully recorded cases"}


def write_report(
    table: pd.DataFrame,
    metrics: pd.DataFrame,
    *,
    path: Path,
    title: str,
    config: Mapping[str, Any],
    arm: str | None = None,
    differences: pd.DataFrame | None = None,
    tests: pd.DataFrame | None = None,
    subgroups: pd.DataFrame | None = None,
    command: str = "",
    notes: Sequence[str] = (),
    figures: Mapping[str, Figure] | None = None,
    numbers: Path | None = None,
    headlines: Sequence[str] = (),
    sections: Sections = Sections(),  # noqa: B008 - a tuple of empty tuples
    figure_folder: Path | None = None,
) -> None:
    """Write `path` (HTML, figures inline, no network) and the same numbers as JSON.

    Args:
        table: predictions; only test rows are read.
        metrics: from `evaluate` of that table.
        path: of the HTML file; its folder is made.
        title: of the page.
        config: the resolved configuration, in plain values, shown and saved as it is; the seed belongs into it.
        arm: the arm of the headline and the figures, named in advance; the first of the table if not given, never the
            best.
        differences: from `compare_arms`.
        tests: from `paired_tests`.
        subgroups: from `evaluate_subgroups`.
        command: what was typed to get here.
        notes: plain paragraphs for the reader, such as remarks of the source.
        figures: more figures, by caption.
        numbers: of the JSON file; `path` with .json if not given.
        headlines: sentences in place of those that are made of `metrics` and `differences`.
        sections: further parts of the page; what they save stands in the JSON file under their own keys.
        figure_folder: where every figure of this function is written as SVG and PNG too.

    Raises:
        ConfigError: no such arm.
        DataError: metrics that are not of this table.
    """
    test = reported_rows(table)
    arms = arm_names(test)
    primary = arms[0] if arm is None else arm
    if primary not in arms:
        raise ConfigError(one_of("report arm", primary, arms))
    lost = sorted(set(arms) - set(metrics["arm"]))
    if lost:
        raise DataError(f"metrics hold no row of arm {lost[0]!r}; compute them with evaluate(table) of the same table")
    made = environment(command)
    page = render(
        Path(__file__).with_name("results_report.html.jinja"),
        title=title,
        warning=NOT_A_DIAGNOSIS,
        headlines=headlines or _headlines(metrics, primary, differences),
        grids=_folded(_grids(metrics, primary, differences, tests), arms=len(arms)),
        pictures=_pictures(test[test["arm"] == primary], metrics, figures or {}, folder=figure_folder),
        sections=sections,
        subgroup_grids=_subgroup_grids(subgroups, primary),
        primary=primary,
        notes=notes,
        config=json.dumps(config, indent=2, ensure_ascii=False, default=str),
        environment=made,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    saved = {
        "title": title,
        "arm": primary,
        "metrics": records(metrics),
        "differences": records(differences),
        "tests": records(tests),
        "subgroups": records(subgroups),
        "config": config,
        "environment": made,
        "notes": list(notes),
    }
    for section in (*sections.above, *sections.amid, *sections.below):
        saved |= section.saved
    text = json.dumps(saved, indent=1, ensure_ascii=False, default=str, allow_nan=False)
    (numbers or path.with_suffix(".json")).write_text(text + "\n", encoding="utf-8")


# --- sentences ----------------------------------------------------------------------------------------------


def _headlines(metrics: pd.DataFrame, primary: str, differences: pd.DataFrame | None) -> list[str]:
    metric = "balanced_accuracy" if differences is None or differences.empty else differences["metric"].iloc[0]
    title = METRICS[metric].title
    rows = metrics[(metrics["arm"] == primary) & (metrics["metric"] == metric)]
    sentences = []
    for subset, words in (("all", "test cases"), ("fully_recorded", "fully recorded test cases")):
        for row in rows[rows["subset"] == subset].to_dict("records"):
            sentences.append(
                f"{primary}: {title[0].lower()}{title[1:]} {with_interval(row, digits=2)} on {row['n']:,} {words} of "
                f"{row['patients']:,} patients."
            )
    if differences is not None:
        of_primary = differences[differences["arm"] == primary].head(1)  # in the first metric, which is the primary one
        sentences += [_difference_sentence(row) for row in of_primary.to_dict("records")]
    return sentences


def _difference_sentence(row: Mapping[Any, Any]) -> str:
    found, p = difference(row), p_value(row["p_adjusted"])
    if row["verdict"] == "not distinguishable":
        return (
            f"It cannot be told apart from {row['reference']}: the difference is {found}, {p}. "
            f"These patients would have shown a true difference of {number(row['detectable'])} four times in five."
        )
    return f"It is {row['verdict']} than {row['reference']}: the difference is {found}, {p}."


# --- tables -------------------------------------------------------------------------------------------------


def _grids(
    metrics: pd.DataFrame, primary: str, differences: pd.DataFrame | None, tests: pd.DataFrame | None
) -> list[Grid]:
    grids = []
    for subset, title in SUBSETS.items():
        rows = metrics[metrics["subset"] == subset]
        if rows.empty:
            continue
        grids.append(_arm_grid(rows, title, ANSWERS))
        grids.append(_arm_grid(rows, f"{title}: probabilities", PROBABILITIES, PROBABILITIES_NOTE))
        grids += _class_group_grids(rows, title)
    if differences is not None and len(differences):
        grids.append(_difference_grid(differences))
    if tests is not None:
        grids.append(paired_tests_grid(tests))
    of_primary = metrics[(metrics["arm"] == primary) & (metrics["subset"] == "all")]
    grids.append(_class_grid(of_primary, f"By class: {primary}"))
    return grids


def _folded(grids: Sequence[Grid], *, arms: int) -> list[Grid]:
    """Of many arms only the first table and the last, which is of classes, lie open."""
    last = len(grids) - 1
    return [grid._replace(folded=arms > MANY_ARMS and k not in (0, last)) for k, grid in enumerate(grids)]


def _arm_grid(rows: pd.DataFrame, title: str, names: Sequence[str], note: str = "") -> Grid:
    cells = _cells(rows[rows["class"] == ""], key=["arm", "metric"])
    sizes = rows[rows["metric"] == names[0]].set_index("arm")["n"]
    lines = [[arm, *(cells.get((arm, name), NOTHING) for name in names), count(sizes[arm])] for arm in arm_names(rows)]
    return Grid(title, ["Arm", *(METRICS[name].title for name in names), "n"], lines, note)


def _class_group_grids(rows: pd.DataFrame, title: str) -> list[Grid]:
    known = group_metrics([])
    of_groups = rows[rows["metric"].isin(list(known))]
    grids = []
    for group, part in of_groups.groupby("class", sort=False):
        cells = _cells(part, key=["arm", "metric"])
        sizes = part.drop_duplicates("arm").set_index("arm")["n"]
        lines = [[arm, *(cells[arm, name] for name in known), count(sizes[arm])] for arm in arm_names(part)]
        head = ["Arm", *(metric.title for metric in known.values()), f"n {group}"]
        note = f"Sensitivity and specificity: whether the answer is one of the {group} classes, whichever it is."
        grids.append(Grid(f"{title}: {group} against the other classes", head, lines, note))
    return grids


def _class_grid(rows: pd.DataFrame, title: str) -> Grid:
    of_classes = rows[rows["metric"].isin(CLASS_TABLE)]
    cells = _cells(of_classes, key=["class", "metric"])
    sizes = of_classes.drop_duplicates("class").set_index("class")["n"]
    lines = [[str(name), *(cells[name, m] for m in CLASS_TABLE), count(n)] for name, n in sizes.items()]
    note = "Predicted minus observed: mean predicted probability of the class minus its share; 0 is calibrated."
    return Grid(title, ["Class", *(METRICS[m].title for m in CLASS_TABLE), "n"], lines, note)


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
        "Both arms are read in the same resampled patients. p is corrected for the number of arms by Holm; only "
        "that of the primary difference, named before the run, stands as it is. Detectable: the true difference "
        "that would be found four times in five on this many patients."
    )
    return Grid("Paired differences", head, lines, note)


def _subgroup_grids(subgroups: pd.DataFrame | None, primary: str) -> list[Grid]:
    if subgroups is None:
        return []
    grids = []
    for group, rows in subgroups[subgroups["arm"] == primary].groupby("group", sort=False):
        columns = rows[["metric", "class"]].drop_duplicates()
        columns = columns[(columns["class"] == "") | columns["metric"].isin(["group_sensitivity"])]
        keys = [(str(metric), str(of)) for metric, of in columns.itertuples(index=False)]
        lines = []
        for value, part in rows.groupby("value", sort=False):
            cells = _cells(part, key=["metric", "class"])
            overall = part.iloc[0]
            shown = [cells.get(key, NOTHING) for key in keys]
            lines.append([str(value), *shown, count(overall["n"]), count(overall["patients"]), str(overall["note"])])
        head = [_column_title(key) for key in keys]
        grids.append(Grid(_words(str(group)), [_words(str(group)), *head, "n", "Patients", "Note"], lines))
    return grids


def _column_title(key: tuple[str, str]) -> str:
    metric, of = key
    known = {**METRICS, **group_metrics([])}
    return f"{known[metric].title}, {of}" if of else known[metric].title


def _cells(rows: pd.DataFrame, *, key: list[str]) -> dict[tuple[Any, Any], str]:
    """Printed estimates with intervals by two columns."""
    return {(row[key[0]], row[key[1]]): with_interval(row) for row in rows.to_dict("records")}


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


# --- figures ------------------------------------------------------------------------------------------------


def _pictures(
    rows: pd.DataFrame, metrics: pd.DataFrame, more: Mapping[str, Figure], *, folder: Path | None
) -> list[Picture]:
    primary = arm_names(rows)[0]
    others = [arm for arm in arm_names(metrics) if arm != primary]
    drawn: list[tuple[str, Figure, str]] = []
    if 0 < len(others) < MANY_ARMS:
        drawn.append(("Balanced accuracy by arm", draw.metric_intervals(metrics), "Lines are 95 % intervals."))
    compared = [primary, *others[:3]]
    note = "Lines are 95 % intervals." + (" The first four arms." if len(others) > 3 else "")
    drawn += [
        ("Sensitivity by class", draw.sensitivity_forest(metrics, arms=compared), note),
        (f"Confusion: {primary}", draw.confusion_matrix(rows), "Percent of the true class; cases below it."),
        (f"Reliability: {primary}", draw.reliability_diagram(rows), "Area of a point: number of answers."),
        (f"ROC by class: {primary}", draw.roc_curves(rows), "Each class against the others, mean over folds."),
    ]
    drawn += [(caption, figure, "") for caption, figure in more.items()]
    return [picture(caption, figure, note=note, folder=folder) for caption, figure, note in drawn]
