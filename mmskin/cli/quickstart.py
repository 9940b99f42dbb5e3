"""`mmskin quickstart`: the whole way on a synthetic clinic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import json_on_stdout
from mmskin.cli.options import AsJson


def quickstart(
    output: Annotated[Path, typer.Option(help="new folder: clinic, runs and report")] = Path("quickstart"),
    cases: Annotated[int, typer.Option(min=200, help="number of synthetic cases")] = 1200,
    seed: Annotated[int, typer.Option(help="seed of everything")] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a synthetic clinic, compare four arms on the same patients, print the table, write a report. Minutes."""
    from rich.console import Console

    from mmskin.benchmark.quickstart import run_quickstart

    console = Console(highlight=False, stderr=as_json)
    with json_on_stdout(as_json) as tell:
        tell(run_quickstart(output, cases=cases, seed=seed, console=console))
