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
from mmskin.evaluation.differences import STANDARD, compare_arms
from mmskin.evaluation.intervals import evaluate
from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.paired_tests import paired_tests
from mmskin.evaluation.predictions import check_predictions, read_predictions
from mmskin.evaluation.subgroups import evaluate_subgroups
from mmskin.report.numbers import with_interval
from mmskin.report.results_report import write_report
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
    """What predictions are worth; see `evaluate`, `compare_arms`, `paired_tests` and `evaluate_subgroups`.

    differences, tests: None where no reference was named.
    left_out: cases that some arm did not answer, and that are left out for all.
    """

    table: pd.DataFrame
    metrics: pd.DataFrame
    differences: pd.DataFrame | None
    tests: pd.DataFrame | None
    subgroups: pd.DataFrame
    left_out: int

    @property
    def notes(self) -> list[str]:
        """The sentence about cases left out, if there are any."""
        if not self.left_out:
            return []
        return [f"{self.left_out} cases of which some arm had nothing to go by are left out for all arms."]


def evaluate_runs(
    runs: Runs,
    *,
    reference: str | None = None,
    primary: str | None = None,
    metric: str = "balanced_accuracy",
    replicates: int = 2000,
) -> Results:
    """Metrics of every arm, their differences to the reference, and subgroups; arguments as for `write_results`.

    Raises:
        DataError: tables that are no predictions, or of other cases where a comparison is asked for.
    """
    table, left_out = answered_by_all(check_predictions(runs.table))
    if not (table["split"] == "test").any():
        raise DataError("the predictions hold no test rows: there is nothing to report")
    differences = tests = None
    if reference:
        named = None if primary == reference else primary
        asked = tuple(dict.fromkeys([metric, *STANDARD]))
        differences = compare_arms(table, reference=reference, primary=named, metrics=asked, replicates=replicates)
        tests = paired_tests(table, reference=reference, class_groups=runs.class_groups)
    return Results(
        table=table,
        metrics=evaluate(table, replicates=replicates, class_groups=runs.class_groups),
        differences=differences,
        tests=tests,
        subgroups=evaluate_subgroups(table, replicates=min(replicates, 500), class_groups=runs.class_groups),
        left_out=left_out,
    )


def write_results(
    runs: Runs,
    output: Path,
    *,
    reference: str | None = None,
    primary: str | None = None,
    metric: str = STANDARD[0],
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
        metric: of the comparison of the primary arm with the reference, named in advance.
        title: of the report.
        replicates: resamples of the patients.
        notes: sentences for the report.
        figures: further ones, by title.

    Returns:
        Lines for the terminal: the primary difference, if one was named; then, under "exploratory:", a row per arm and
        subset, and the other differences, the best first.

    Raises:
        DataError: see `evaluate_runs`.
    """
    results = evaluate_runs(runs, reference=reference, primary=primary, metric=metric, replicates=replicates)
    output.mkdir(parents=True, exist_ok=True)
    write_report(
        results.table,
        results.metrics,
        path=output / "report.html",
        title=title,
        config={"experiments": runs.configs},
        arm=primary,
        differences=results.differences,
        tests=results.tests,
        subgroups=results.subgroups,
        command=" ".join(["mmskin", *sys.argv[1:]]),
        notes=[*notes, *results.notes],
        figures=figures,
    )
    (output / "report.json").rename(output / "metrics.json")
    return told(results)


def told(results: Results) -> list[str]:
    """Lines for the terminal; see `write_results`."""
    said, differences = [*_rows(results.metrics), *results.notes], results.differences
    if differences is None:
        return said
    is_primary = differences["role"] == "primary"
    rest = [*said, "", *_differences(differences[~is_primary], results.metrics)]
    if not is_primary.any():
        return rest
    answer = _differences(differences[is_primary], results.metrics)
    return ["primary, named before the run:", *answer, "", "exploratory:", *rest]


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


def _differences(differences: pd.DataFrame, metrics: pd.DataFrame) -> list[str]:
    """A line per difference; within each metric the best arm first."""
    lines = []
    for name, rows in differences.groupby("metric", sort=False):
        ordered = rows.sort_values("estimate", ascending=METRICS[str(name)].better == "lower", kind="stable")
        lines += [_difference(row, metrics) for row in ordered.to_dict("records")]
    return lines


def _difference(row: Mapping[Any, Any], metrics: pd.DataFrame) -> str:
    """Both values, the difference with its interval, p, the verdict, and what could have been found at all."""
    whole = metrics[(metrics["subset"] == "all") & (metrics["class"] == "") & (metrics["metric"] == row["metric"])]
    value = whole.set_index("arm")["estimate"]
    p = f"p {_p(row['p_adjusted'])}"
    if row["role"] == "primary" and row["p_holm_all"] != row["p_adjusted"]:
        p += f" (p {_p(row['p_holm_all'])} by Holm over all arms)"
    return (
        f"{row['arm']} - {row['reference']}, {row['metric'].replace('_', ' ')}: "
        f"{value[row['arm']]:.3f} - {value[row['reference']]:.3f} = "
        f"{row['estimate']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}], {p}, {row['verdict']}; "
        f"detectable {row['detectable']:.3f}"
    )


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
