"""The page that says what came out: one HTML file that needs nothing else, and the same numbers as JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mmskin.errors import first_of
from mmskin.evaluation.differences import too_few_resamples
from mmskin.evaluation.intervals import LEVEL
from mmskin.evaluation.predictions import arm_names, reported_rows
from mmskin.evaluation.results import Results
from mmskin.json_values import records
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report import metric_figures as draw
from mmskin.report.headline import headline
from mmskin.report.largest_gaps import gap_lines, largest_gaps_grid
from mmskin.report.numbers import count, number
from mmskin.report.pages import Sections, environment, render, write_page
from mmskin.report.pictures import Picture
from mmskin.report.tables import MANY_ARMS, result_grids, subgroup_grids


def write_report(
    results: Results,
    output: Path,
    *,
    title: str,
    notes: Sequence[str] = (),
    sections: Sections = Sections(),  # noqa: B008 - a tuple of empty tuples
    command: str = "",
) -> Path:
    """Write report.html (figures inline, no network), the same numbers as results.json, and figures/.

    Args:
        results: of one arm or more.
        output: folder, made if it is not there.
        title: of the page.
        notes: plain paragraphs for the reader, such as remarks of the source.
        sections: further parts of the page; what they save stands in results.json under their own keys.
        command: that was typed to get here.

    Returns:
        The path of the page.
    """
    notes = [*notes, *caveats(results)]
    config = results.configs[0] if len(results.configs) == 1 else {"experiments": results.configs}
    pictures, made = _pictures(results), environment(command)
    page = render(
        Path(__file__).with_name("results_report.html.jinja"),
        title=title,
        warning=NOT_A_DIAGNOSIS,
        headline=headline(results),
        grids=result_grids(results),
        pictures=pictures,
        sections=sections,
        gap_lines=gap_lines(results),
        gap_grid=largest_gaps_grid(results),
        subgroup_grids=subgroup_grids(results),
        primary=results.arm,
        notes=notes,
        config=json.dumps(config, indent=2, ensure_ascii=False, default=str),
        environment=made,
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
    every = (*sections.above, *sections.amid, *sections.below)
    for section in every:
        content |= section.saved
    for picture in (*pictures, *(picture for section in every for picture in section.pictures)):
        picture.write(output / "figures")
    return write_page(output / "report.html", page, content, numbers="results.json")


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
