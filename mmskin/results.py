"""Predictions tables → metrics.json, report.html, and the lines a person reads first."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from mmskin.errors import DataError, UserError
from mmskin.evaluation.differences import compare_arms
from mmskin.evaluation.intervals import evaluate
from mmskin.evaluation.predictions import check_predictions, read_predictions
from mmskin.evaluation.report import write_report
from mmskin.evaluation.subgroups import evaluate_subgroups
from mmskin.pages import with_interval
from mmskin.schema import Schema

HEADLINE = ("balanced_accuracy", "macro_auroc", "macro_f1", "log_loss")


class Runs(NamedTuple):
    """What finished runs left behind.

    table: predictions of all of them.
    configs: of each, {} where there is none.
    class_groups: named sets of classes that the data sets declare, such as malignant.
    """

    table: pd.DataFrame
    configs: list[dict[str, Any]]
    class_groups: dict[str, tuple[str, ...]]


def read_runs(runs: Sequence[Path]) -> Runs:
    """Predictions, configs and class groups of run folders, or predictions files alone.

    Raises:
        UserError: a folder without predictions.
    """
    tables, configs = [], []
    groups: dict[str, tuple[str, ...]] = {}
    for run in runs:
        path = run / "predictions.parquet" if run.is_dir() else run
        if not path.exists():
            raise UserError(f"{run} holds no predictions.parquet; give the --output of a finished `mmskin train`")
        tables.append(read_predictions(path))
        config, schema = path.parent / "config.json", path.parent / "schema.json"
        configs.append(json.loads(config.read_text()) if config.exists() else {})
        if schema.exists():
            groups |= dict(Schema.model_validate_json(schema.read_text()).class_groups)
    return Runs(pd.concat(tables, ignore_index=True), configs, groups)


class Results(NamedTuple):
    """What predictions are worth; see `evaluate`, `compare_arms` and `evaluate_subgroups`.

    differences: None where no reference was named.
    left_out: cases that some arm did not answer, and that are left out for all.
    """

    table: pd.DataFrame
    metrics: pd.DataFrame
    differences: pd.DataFrame | None
    subgroups: pd.DataFrame
    left_out: int

    @property
    def notes(self) -> list[str]:
        """The sentence about cases left out, if there are any."""
        if not self.left_out:
            return []
        return [f"{self.left_out} cases of which some arm had nothing to go by are left out for all arms."]


def evaluate_runs(runs: Runs, *, reference: str | None = None, replicates: int = 2000) -> Results:
    """Metrics of every arm, their differences to the reference, and subgroups.

    Raises:
        DataError: tables that are no predictions, or of other cases where a comparison is asked for.
    """
    table, left_out = answered_by_all(check_predictions(runs.table))
    if not (table["split"] == "test").any():
        raise DataError("the predictions hold no test rows: there is nothing to report")
    return Results(
        table=table,
        metrics=evaluate(table, replicates=replicates, class_groups=runs.class_groups),
        differences=compare_arms(table, reference=reference, replicates=replicates) if reference else None,
        subgroups=evaluate_subgroups(table, replicates=min(replicates, 500), class_groups=runs.class_groups),
        left_out=left_out,
    )


def write_results(
    runs: Runs,
    output: Path,
    *,
    reference: str | None = None,
    primary: str | None = None,
    title: str = "Comparison",
    replicates: int = 2000,
    notes: Sequence[str] = (),
    figures: Mapping[str, Figure] | None = None,
) -> list[str]:
    """Evaluate, write metrics.json and report.html, and say the headline.

    Args:
        runs: one arm or more.
        output: folder, made if it is not there.
        reference: arm that the others are compared with, patient by patient.
        primary: arm of the headline and the figures, named in advance; the first one if None.
        title: of the report.
        replicates: resamples of the patients.
        notes: sentences for the report.
        figures: further ones, by title.

    Returns:
        See `told`.

    Raises:
        DataError: see `evaluate_runs`.
    """
    results = evaluate_runs(runs, reference=reference, replicates=replicates)
    output.mkdir(parents=True, exist_ok=True)
    write_report(
        results.table,
        results.metrics,
        path=output / "report.html",
        title=title,
        config={"experiments": runs.configs},
        arm=primary,
        differences=results.differences,
        subgroups=results.subgroups,
        command=" ".join(["mmskin", *sys.argv[1:]]),
        notes=[*notes, *results.notes],
        figures=figures,
    )
    (output / "report.json").rename(output / "metrics.json")
    return told(results)


def told(results: Results) -> list[str]:
    """Lines for the terminal: a row per arm and subset, then the differences."""
    return [*_rows(results.metrics), *results.notes, *_differences(results.differences)]


def answered_by_all(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The rows of cases that every arm has answered, and the number of cases left out."""
    answered = [set(rows["case_id"]) for _, rows in table.groupby("arm")]
    common = set.intersection(*answered)
    return table[table["case_id"].isin(common)], len(set.union(*answered) - common)


def _rows(metrics: pd.DataFrame) -> list[str]:
    width = max(len(arm) for arm in metrics["arm"]) + 2
    lines = [f"{'arm':{width}}{'cases':24}" + "".join(f"{name:24}" for name in HEADLINE)]
    for arm, subset in metrics[["arm", "subset"]].drop_duplicates().itertuples(index=False):
        rows = metrics[(metrics["arm"] == arm) & (metrics["subset"] == subset)]
        whole = rows[rows["class"] == ""].set_index("metric")
        count = f"{subset.replace('_', ' ')} ({whole.loc[HEADLINE[0], 'n']})"
        cells = [with_interval(whole.loc[name].to_dict()) for name in HEADLINE]
        lines.append(f"{arm:{width}}{count:24}" + "".join(f"{cell:24}" for cell in cells))
    return lines


def _differences(differences: pd.DataFrame | None) -> list[str]:
    if differences is None:
        return []
    lines = [""]
    for row in differences.to_dict("records"):
        lines.append(
            f"{row['arm']} - {row['reference']}, {row['metric'].replace('_', ' ')}: "
            f"{row['estimate']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}], {row['verdict']}"
        )
    return lines
