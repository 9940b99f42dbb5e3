"""`mmskin evaluate`: metrics of predictions that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.options import Replicates
from mmskin.cli.report import say_report


def evaluate(
    runs: Annotated[list[Path], typer.Argument(help="run folders or predictions.parquet files, on the same folds")],
    output: Annotated[Path, typer.Option(help="folder for report.html, results.json and figures")],
    reference: Annotated[str | None, typer.Option(help="arm that all others are compared with, paired")] = None,
    primary: Annotated[str | None, typer.Option(help="arm of the headline, named in advance, not the best one")] = None,
    replicates: Replicates = 2000,
) -> None:
    """Metrics with intervals from predictions tables; with --reference the paired differences too."""
    say_report(runs, output, title="Comparison", reference=reference, primary=primary, replicates=replicates)
