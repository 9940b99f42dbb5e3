"""What a comparison of arms on the same patients has given."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from mmskin.errors import DataError
from mmskin.evaluation.predictions import arm_names
from mmskin.evaluation.results import Results, Runs, evaluate_runs, in_order, joined_runs, read_run, renamed
from mmskin.report.comparison_table import csv_table, html_table, latex_table
from mmskin.report.results_report import write_report
from mmskin.report.summary_lines import summary_lines

Predictions = pd.DataFrame | str | Path
"""A predictions table, or where one lies: a run folder or a Parquet file."""


@dataclass(frozen=True, repr=False)
class Comparison:
    """Arms on the same test patients; printed, it is what a person reads first.

    results: all that was evaluated.
    title: of the report.
    failures: of cells that failed, a line each.
    """

    results: Results
    title: str = "Comparison"
    failures: tuple[str, ...] = ()

    @property
    def metrics(self) -> pd.DataFrame:
        """A row per arm, subset, metric and class: estimate, low, high, n."""
        return self.results.metrics

    @property
    def differences(self) -> pd.DataFrame:
        """A row per metric and arm: the arm minus the reference, with interval, p, Holm's p and verdict."""
        return pd.DataFrame() if self.results.differences is None else self.results.differences

    @property
    def predictions(self) -> pd.DataFrame:
        """A row per case, arm, fold and seed, with the probability of every class."""
        return self.results.table

    def to_csv(self) -> str:
        """Every number in a column of its own: a row an arm and metric."""
        return csv_table(self.results)

    def to_latex(self) -> str:
        """A table for a paper, with the package booktabs: a row an arm."""
        return latex_table(self.results)

    def report(self, path: str | Path) -> Path:
        """Write the report as one HTML file that needs nothing else.

        Args:
            path: of the file, which is replaced; its folder is made.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="mmskin-") as folder:
            shutil.copyfile(write_report(self.results, Path(folder), title=self.title, notes=self.failures), path)
        return path

    def __repr__(self) -> str:
        return "\n".join([*summary_lines(self.results), *self.failures])

    def _repr_html_(self) -> str:
        return html_table(self.results)


def compare_predictions(
    *tables: Predictions,
    reference: str,
    primary: str | None = None,
    metric: str = "balanced_accuracy",
    replicates: int = 2000,
    **named: Predictions,
) -> Comparison:
    """Compare predictions that are there already, patient by patient, of whatever program made them.

    >>> result = mmskin.compare_predictions(ours=table_a, theirs=table_b, reference="theirs", replicates=100)
    >>> list(result.differences["arm"].unique())
    ['ours']

    Args:
        tables: predictions tables (`mmskin.evaluation.predictions` says what they hold), data frames, Parquet files or
            run folders, on the same cases.
        reference: arm that is subtracted from all others.
        primary: arm of the question that was named in advance; if None the other arm of two, else none.
        metric: of that question.
        replicates: resamples of the patients.
        named: tables whose arm gets the keyword as its name; of several arms each as keyword-arm.

    Raises:
        DataError: tables that are no predictions, of other cases, or with arms of the same name.
        ConfigError: no such arm or metric.
    """
    runs = [*map(_read, tables), *(renamed(_read(table), name) for name, table in named.items())]
    if not runs:
        raise DataError("there is nothing to compare: give two predictions tables, or one that holds several arms")
    return compared(
        joined_runs(runs),
        reference=reference,
        primary=primary,
        metric=metric,
        replicates=replicates,
    )


def compared(
    runs: Runs,
    *,
    reference: str,
    primary: str | None,
    metric: str,
    replicates: int,
    title: str = "Comparison",
    failures: Sequence[str] = (),
) -> Comparison:
    """The evaluation of predictions; of two arms the other one is the primary one."""
    others = [arm for arm in arm_names(runs.table) if arm != reference]
    if primary is None and len(others) == 1:
        primary = others[0]
    results = evaluate_runs(runs, reference=reference, primary=primary, metric=metric, replicates=replicates)
    return Comparison(in_order(results), title, tuple(failures))


def _read(table: Predictions) -> Runs:
    return Runs(table, [], {}) if isinstance(table, pd.DataFrame) else read_run(Path(table))
