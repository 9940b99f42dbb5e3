"""The page that says what came out: one HTML file that needs nothing else, and the same numbers as JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mmskin.errors import first_of
from mmskin.evaluation.differences import too_few_resamples
from mmskin.evaluation.intervals import LEVEL
from mmskin.evaluation.predictions import arm_names, class_names, reported_rows
from mmskin.evaluation.results import Results
from mmskin.json_values import records
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report import metric_figures as draw
from mmskin.report.class_legend import class_section, legend
from mmskin.report.headline import headline
from mmskin.report.largest_gaps import gap_lines, largest_gaps_grid
from mmskin.report.numbers import count, number
from mmskin.report.pages import Section, Sections, environment, made_section, report_page, write_page
from mmskin.report.pictures import Picture
from mmskin.report.tables import MANY_ARMS, result_grids, subgroup_grids

RESULTS_NOTE = (
    "Estimates with 95 % intervals from resampling patients; they cover chance in who was tested, not in who was "
    "trained on. Seeds are averaged. AUROC is the mean within folds, as folds are different models. The fully recorded "
    "cases are another mix of classes than all cases: the two are shown side by side and must not be subtracted."
)
SUBGROUPS_NOTE = (
    "Subgroups differ in their mix of classes, so a difference between them is not by itself a difference in how well "
    "they are served. Where a number would rest on too few cases, none is given."
)


def write_report(
    results: Results,
    output: Path,
    *,
    title: str,
    notes: Sequence[str] = (),
    added: str = "",
    sections: Sections = Sections(),  # noqa: B008 - a tuple of empty tuples
    command: str = "",
) -> Path:
    """Write report.html (figures inline, no network), the same numbers as results.json, and figures/.

    Args:
        results: of one arm or more.
        output: folder, made if it is not there.
        title: of the page.
        notes: plain sentences for the reader, such as remarks of the source.
        added: see `headline`.
        sections: further parts of the page; what they save stands in results.json under their own keys.
        command: that was typed to get here.

    Returns:
        The path of the page.
    """
    notes = [*notes, *caveats(results)]
    config = results.configs[0] if len(results.configs) == 1 else {"experiments": results.configs}
    classes, made = class_names(results.table), environment(command)
    listed = json.dumps(config, indent=2, ensure_ascii=False, default=str)
    every = [
        *([Section("Notes", items=notes)] if notes else []),
        *class_section(classes, results.class_titles, results.class_groups),
        *sections.above,
        Section("Results", RESULTS_NOTE, grids=result_grids(results)),
        *sections.amid,
        Section("Figures", legend(classes, results.class_titles), pictures=_pictures(results)),
        *_subgroup_section(results),
        *sections.below,
    ]
    page = report_page(
        title,
        [*every, made_section(made, config=listed)],
        headline=headline(results, added=added),
        warnings=[NOT_A_DIAGNOSIS, *sections.warnings],
    )
    content = {
        "title": title,
        "arm": results.arm,
        "metrics": records(results.metrics),
        "differences": records(results.differences),
        "tests": records(results.tests),
        "subgroups": records(results.subgroups),
        "subgroup_gaps": records(results.subgroup_gaps),
        "config": config,
        "environment": made,
        "notes": notes,
    }
    for section in every:
        content |= section.saved
        for picture in section.pictures:
            picture.write(output / "figures")
    return write_page(output / "report.html", page, content, numbers="results.json")


def _subgroup_section(results: Results) -> list[Section]:
    """The largest gaps and a table a column; nothing where the data set has no subgroups."""
    gaps, grids = largest_gaps_grid(results), subgroup_grids(results)
    if not grids:
        return []
    shown = grids if gaps is None else [gaps, *grids]
    return [Section(f"Subgroups: {results.arm}", SUBGROUPS_NOTE, gap_lines(results), grids=shown)]


def caveats(results: Results) -> list[str]:
    """Sentences on what the tables cannot show by themselves: cases left out, and verdicts that resamples decide."""
    told = []
    if results.excluded:
        told.append(f"{results.excluded} cases of which some arm had nothing to go by are excluded for all arms.")
    replicates, differences = results.replicates, results.differences
    if differences is not None and len(differences) and reported_rows(results.table)["seed"].nunique() == 1:
        told.append("All arms were trained with one seed: no interval holds the luck of training.")
    held_back = [] if differences is None else too_few_resamples(differences, replicates=replicates)
    if held_back:
        told.append(
            f"{count(replicates)} resamples cannot show a p below {number(2 / (1 + replicates), digits=4)}, which the "
            f"correction for the number of arms lifts above {LEVEL:g}: for {first_of(held_back)} the resamples decide, "
            f"not the patients. Use more, such as --replicates {10 * replicates}."
        )
    return told


def _pictures(results: Results) -> list[Picture]:
    arm, metrics = results.arm, results.metrics
    test = reported_rows(results.table)
    rows = test[test["arm"] == arm]
    others = [other for other in arm_names(metrics) if other != arm]
    by_arm = Picture("Balanced accuracy by arm", draw.metric_intervals(metrics), "Lines are 95 % intervals.")
    note = "Lines are 95 % intervals." + (" The first four arms." if len(others) > 3 else "")
    forest = draw.sensitivity_forest(metrics, arms=[arm, *others[:3]])
    return [
        *([by_arm] if 0 < len(others) < MANY_ARMS else []),
        Picture("Sensitivity by class", forest, note),
        Picture(f"Confusion: {arm}", draw.confusion_matrix(rows), "Percent of the true class; cases below it."),
        Picture(f"Reliability: {arm}", draw.reliability_diagram(rows), "Area of a point: number of answers."),
        Picture(f"ROC by class: {arm}", draw.roc_curves(rows), "Each class against the others, mean over folds."),
    ]
