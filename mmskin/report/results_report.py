"""The page that says what came out: one HTML file that needs nothing else, and the same numbers as JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mmskin.errors import ConfigError, DataError, one_of
from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.predictions import arm_names, reported_rows
from mmskin.json_values import records
from mmskin.report import metric_figures as draw
from mmskin.report.numbers import difference, number, p_value, with_interval
from mmskin.report.pages import Picture, Sections, environment, render
from mmskin.report.pictures import picture
from mmskin.report.tables import MANY_ARMS, result_grids, subgroup_grids

NOT_A_DIAGNOSIS = (
    "Research software. These numbers describe a model on one collection of photos; they are not a diagnosis, and "
    "the model must not be used to make one or to rule one out."
)


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
        grids=result_grids(metrics, primary, differences, tests),
        pictures=_pictures(test[test["arm"] == primary], metrics, figures or {}, folder=figure_folder),
        sections=sections,
        subgroup_grids=subgroup_grids(subgroups, primary),
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
