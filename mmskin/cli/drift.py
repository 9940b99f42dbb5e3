"""`mmskin drift`: whether new patients are like those whom a model was made with."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import json_on_stdout, print_lines, say
from mmskin.cli.options import AsJson, Model, PhotoKinds, RunArm, data_or_table, read_kinds


class Period(StrEnum):
    month = "month"
    quarter = "quarter"
    year = "year"


def drift(
    model: Model,
    data: Annotated[
        Path,
        typer.Option(
            help="new patients: a table laid out as the model's own, labels not needed, or a YAML file with a "
            "data section"
        ),
    ],
    output: Annotated[Path, typer.Option(help="folder for drift.html and drift.json")] = Path("drift"),
    dates: Annotated[str | None, typer.Option(help="column of dates, for a table over time")] = None,
    every: Annotated[Period, typer.Option(help="period of that table")] = Period.month,
    arm: RunArm = None,
    photos: PhotoKinds = None,
    as_json: AsJson = False,
) -> None:
    """Fields, what is recorded, photos, answers and confidence against what the model remembers; needs no labels."""
    place = data_or_table(data)

    from mmskin.external.drift import find_drift
    from mmskin.external.drift_page import sentences, write_drift
    from mmskin.external.new_cases import dates_of, read_new_cases
    from mmskin.output_lock import locked
    from mmskin.report.pages import typed_command
    from mmskin.trained.run_models import load_trained

    trained = load_trained(model, arm=arm)
    cases = read_new_cases(place, trained, kinds=read_kinds(photos))
    when = None if dates is None else dates_of(place, cases, dates, trained)
    found = find_drift(trained, cases, dates=when, every=every.value)
    found = found._replace(remarks=(*cases.remarks, *found.remarks))
    with locked(output):
        about = {"model": str(model), "data": str(data)}
        page = write_drift(found, output, schema=trained.schema, about=about, command=typed_command())
    for remark in found.remarks:
        say(f"note: {remark}")
    with json_on_stdout(as_json) as tell:
        print_lines(sentences(found, trained.schema))
        tell(page.with_suffix(".json"))
    say(f"page: {page}")
