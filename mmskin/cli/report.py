"""The end of `mmskin evaluate`: the lines that a person reads first, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmskin.cli.console import print_lines, say


def say_report(
    runs: Sequence[Path],
    output: Path,
    *,
    names: Sequence[str],
    title: str,
    prior: str | None = None,
    least: int = 1,
    **question: Any,
) -> None:
    """Evaluate finished runs, print the lines that a person reads first, write the report."""
    from mmskin.evaluation.frequent_classes import of_frequent_classes
    from mmskin.evaluation.predictions import check_predictions
    from mmskin.evaluation.results import evaluate_runs, read_runs
    from mmskin.output_lock import locked
    from mmskin.report.comparison_table import csv_table, latex_table
    from mmskin.report.pages import typed_command
    from mmskin.report.results_report import write_report
    from mmskin.report.summary_lines import summary_lines
    from mmskin.trained.stated_prior import read_prior, under_prior

    read, notes = read_runs(runs, names=names), []
    if least > 1:
        read, note = of_frequent_classes(read._replace(table=check_predictions(read.table)), least)
        notes.append(note)
        say(note)
    if prior is not None:
        read = read._replace(table=under_prior(check_predictions(read.table), read_prior(prior)))
        notes.append(
            f"Probabilities, and with them the answers, are stated under the prior {prior}: a temperature and a bias "
            "for each class are fitted on the validation rows of every arm, fold and seed."
        )
    results = evaluate_runs(read, **question)
    with locked(output):
        page = write_report(results, output, title=title, notes=notes, command=typed_command())
        for name, table in (("comparison.csv", csv_table(results)), ("comparison.tex", latex_table(results))):
            (output / name).write_text(table, encoding="utf-8")
    print_lines(summary_lines(results))
    say(f"report: {page}")
