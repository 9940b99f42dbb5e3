"""`mmskin evaluate`: metrics of predictions that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.options import Replicates
from mmskin.cli.report import say_report
from mmskin.errors import UserError


def evaluate(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="run folders or predictions.parquet files, on the same folds; name=run gives the arm of a run another "
            "name, of several arms each as name-arm"
        ),
    ],
    output: Annotated[
        Path, typer.Option(help="folder for report.html, results.json, comparison.csv, comparison.tex and figures")
    ],
    reference: Annotated[str | None, typer.Option(help="arm that all others are compared with, paired")] = None,
    primary: Annotated[str | None, typer.Option(help="arm of the headline, named in advance, not the best one")] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="in which arms are compared, the named one first; may be given several times"),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            help="shares of the classes under which probabilities are stated: data, uniform, estimated (from test rows "
            "without their labels), or a JSON file of shares by class; as the arms answered if left out"
        ),
    ] = None,
    least: Annotated[
        int, typer.Option(min=1, help="test cases that a class must have; cases of rarer classes are left out")
    ] = 1,
    replicates: Replicates = 2000,
) -> None:
    """Metrics with intervals from predictions tables; with --reference the paired differences too."""
    names, folders = zip(*map(_named, runs), strict=True)
    asked = {"metric": metric[0], "metrics": metric} if metric else {}
    question = {"reference": reference, "primary": primary, "replicates": replicates, **asked}
    say_report(folders, output, names=names, title="Comparison", prior=prior, least=least, **question)


def _named(run: str) -> tuple[str, Path]:
    """name=run in two; a path that exists is one, whatever it is called."""
    name, equals, path = run.partition("=")
    named = (name, Path(path)) if equals and "/" not in name and not Path(run).exists() else ("", Path(run))
    if not named[1].exists():
        raise UserError(f"{named[1]} does not exist: name the folder of a run, or a predictions.parquet")
    return named
