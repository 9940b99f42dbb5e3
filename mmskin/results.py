"""Predictions tables → metrics.json, report.html, and the lines a person reads first."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mmskin.errors import DataError, UserError
from mmskin.evaluation.differences import compare_arms
from mmskin.evaluation.intervals import evaluate
from mmskin.evaluation.predictions import check_predictions, read_predictions
from mmskin.evaluation.report import with_interval, write_report
from mmskin.evaluation.subgroups import evaluate_subgroups

HEADLINE = ("balanced_accuracy", "macro_auroc", "macro_f1", "log_loss")


def read_runs(runs: Sequence[Path]) -> tuple[list[pd.DataFrame], list[dict[str, Any]]]:
    """Predictions and configs of run folders, or predictions files alone.

    Raises:
        UserError: a folder without predictions.
    """
    tables, configs = [], []
    for run in runs:
        path = run / "predictions.parquet" if run.is_dir() else run
        if not path.exists():
            raise UserError(f"{run} holds no predictions.parquet; give the --output folder of a finished `mmskin train`")
        tables.append(read_predictions(path))
        config = path.parent / "config.json"
        configs.append(json.loads(config.read_text()) if config.exists() else {})
    return tables, configs


def write_results(
    tables: Sequence[pd.DataFrame],
    output: Path,
    *,
    configs: Sequence[Mapping[str, Any]] = (),
    class_groups: Mapping[str, Sequence[str]] | None = None,
    reference: str | None = None,
    title: str = "Comparison",
    replicates: int = 2000,
    notes: Sequence[str] = (),
    figures: Mapping[str, Figure] | None = None,
) -> list[str]:
    """Evaluate, write metrics.json and report.html, and say the headline.

    Args:
        reference: arm that the others are compared with, patient by patient.

    Returns:
        Lines for the terminal: a row per arm and subset, then the differences.

    Raises:
        DataError: tables that are no predictions, or of other cases where a comparison is asked for.
    """
    table = check_predictions(pd.concat(tables, ignore_index=True))
    if not (table["split"] == "test").any():
        raise DataError("the predictions hold no test rows: there is nothing to report")
    metrics = evaluate(table, replicates=replicates, class_groups=class_groups)
    differences = compare_arms(table, reference=reference, replicates=replicates) if reference else None
    subgroups = evaluate_subgroups(table, replicates=min(replicates, 500), class_groups=class_groups)
    output.mkdir(parents=True, exist_ok=True)
    write_report(
        table,
        metrics,
        path=output / "report.html",
        title=title,
        config={"experiments": list(configs)},
        differences=differences,
        subgroups=subgroups,
        command=" ".join(["mmskin", *sys.argv[1:]]),
        notes=notes,
        figures=figures,
    )
    (output / "report.json").rename(output / "metrics.json")
    return [*_rows(metrics), *_differences(differences)]


def _rows(metrics: pd.DataFrame) -> list[str]:
    width = max(len(arm) for arm in metrics["arm"]) + 2
    lines = [f"{'arm':{width}}{'cases':24}" + "".join(f"{name:24}" for name in HEADLINE)]
    for (arm, subset), rows in metrics.groupby(["arm", "subset"], sort=False):
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
            f"{row['arm']} − {row['reference']}, {row['metric'].replace('_', ' ')}: "
            f"{row['estimate']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}], {row['verdict']}"
        )
    return lines
