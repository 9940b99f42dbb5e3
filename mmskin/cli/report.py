"""The end of `mmskin evaluate`: the lines that a person reads first, and the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmskin.cli.console import json_on_stdout, print_lines, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmskin.evaluation.results import Runs
    from mmskin.report.pages import Sections


def say_report(
    runs: Runs,
    output: Path,
    *,
    title: str,
    notes: Sequence[str] = (),
    sections: Sections | None = None,
    keeps_predictions: bool = False,
    least: int = 1,
    as_json: bool = False,
    **question: Any,
) -> None:
    """Evaluate predictions, write the report, print the lines that a person reads first, or all numbers as JSON."""
    from mmskin.evaluation.frequent_classes import of_frequent_classes
    from mmskin.evaluation.predictions import check_predictions, write_predictions
    from mmskin.evaluation.results import evaluate_runs
    from mmskin.output_lock import locked
    from mmskin.report.comparison_table import csv_table, latex_table
    from mmskin.report.pages import Sections, typed_command
    from mmskin.report.results_report import write_report
    from mmskin.report.summary_lines import summary_lines

    told = list(notes)
    if least > 1:
        runs, note = of_frequent_classes(runs._replace(table=check_predictions(runs.table)), least)
        told.append(note)
    results = evaluate_runs(runs, **question)
    with locked(output):
        made = sections or Sections()
        page = write_report(results, output, title=title, notes=told, sections=made, command=typed_command())
        for name, table in (("comparison.csv", csv_table(results)), ("comparison.tex", latex_table(results))):
            (output / name).write_text(table, encoding="utf-8")
        if keeps_predictions:
            write_predictions(runs.table, output / "predictions.parquet")
    for note in told:
        say(note)
    with json_on_stdout(as_json) as tell:
        print_lines(summary_lines(results))
        tell(output / "results.json")
    say(f"report: {page}")
