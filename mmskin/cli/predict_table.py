"""`mmskin predict-table`: probabilities for a whole table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import say
from mmskin.cli.options import DataFile, Model, Overrides, RunArm, read_data_section
from mmskin.errors import UserError


def predict_table(
    model: Model,
    config: DataFile,
    overrides: Overrides = None,
    *,
    arm: RunArm = None,
    output: Annotated[Path, typer.Option(help="CSV or parquet file to write")],
) -> None:
    """Probabilities for every case of a table; labels are neither needed nor read."""
    if output.exists():
        raise UserError(f"{output} is there already; choose another --output")
    data = read_data_section(config, overrides)

    from mmskin.api.predictor import Predictor
    from mmskin.data.load import read_source

    cases = read_source(data)
    predictor = Predictor.load(model, arm=arm)
    answers = predictor.predict_table(cases.table)
    if output.suffix == ".parquet":
        answers.to_parquet(output)
    else:
        answers.to_csv(output, index=False)
    for remark in predictor.trained.remarks:
        say(f"note: {remark}")
    say(f"{len(answers)} cases: {output}")
