"""`mmskin predict-table`: probabilities for a whole table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import say
from mmskin.cli.options import DataFile, Model, Overrides, read_data_section
from mmskin.errors import UserError


def predict_table(
    model: Model,
    config: DataFile,
    overrides: Overrides = None,
    *,
    output: Annotated[Path, typer.Option(help="CSV or parquet file to write")],
) -> None:
    """Probabilities for every case of a table; labels are not needed and not looked at."""
    if output.exists():
        raise UserError(f"{output} is there already; choose another --output")
    data = read_data_section(config, overrides)

    from mmskin.api.predictor import Predictor
    from mmskin.data.load import read_source

    cases = read_source(data)
    answers = Predictor.load(model).predict_table(cases.table)
    if output.suffix == ".parquet":
        answers.to_parquet(output)
    else:
        answers.to_csv(output, index=False)
    say(f"{len(answers)} cases: {output}")
