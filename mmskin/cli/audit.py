"""`mmskin audit`: what fools a model, before training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import json_on_stdout, say
from mmskin.cli.options import AsJson, Overrides, read_data_section


def audit(
    config: Annotated[
        Path | None, typer.Argument(help="experiment, benchmark, or a YAML file with a data section alone")
    ] = None,
    overrides: Overrides = None,
    *,
    data: Annotated[Path | None, typer.Option(hidden=True, help="the config, as it was named before")] = None,
    output: Annotated[Path, typer.Option(help="folder for audit.html and audit.json")] = Path("audit"),
    strict: Annotated[bool, typer.Option("--strict", help="exit code 1 if a leak stands")] = False,
    as_json: AsJson = False,
) -> None:
    """What fools a model: leaking splits, copies of photos, columns and missing values that predict the class."""
    words = overrides or []
    if data is not None:  # every word without a dash is an override
        words = [*([str(config)] if config is not None else []), *words]
        config = data
        say(f"--data goes with the next release: mmskin audit {data} …")
    if config is None:
        raise typer.BadParameter("Missing argument 'config': mmskin audit CONFIG")
    section = read_data_section(config, words)

    from mmskin.audit.page import summary, write_audit  # torch comes after the config is found good
    from mmskin.audit.run import run_audit
    from mmskin.output_lock import locked

    with json_on_stdout(as_json) as tell:
        with locked(output):
            found = run_audit(section, say=say)
            page = write_audit(found, output, command=" ".join(["mmskin", *sys.argv[1:]]))
        print(summary(found))
        for finding in found.findings:
            print(f"{finding.level}: {finding.text}")
        tell(page.with_suffix(".json"))
    say(f"page: {page}")
    if strict and found.leaks:
        raise typer.Exit(1)
