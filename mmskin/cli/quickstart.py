"""`mmskin quickstart`: the whole way on a synthetic clinic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def quickstart(
    output: Annotated[Path, typer.Option(help="new folder: clinic, runs and report")] = Path("quickstart"),
    cases: Annotated[int, typer.Option(min=200, help="number of synthetic cases")] = 1200,
    seed: Annotated[int, typer.Option(help="seed of everything")] = 0,
) -> None:
    """Make a synthetic clinic, compare four arms on the same patients, print the table, write a report. Minutes."""
    from mmskin.benchmark.quickstart import run_quickstart

    run_quickstart(output, cases=cases, seed=seed)
