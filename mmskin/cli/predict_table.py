"""`mmskin predict-table`: probabilities for a whole table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import say
from mmskin.cli.options import Model, Overrides, PhotoKinds, RunArm, data_or_table, read_kinds
from mmskin.errors import UserError


def predict_table(
    model: Model,
    table: Annotated[
        Path,
        typer.Argument(
            help="new cases: a table laid out as the one that the model was trained on, photos beside it; or a YAML "
            "file with a data section, where it is laid out otherwise"
        ),
    ],
    overrides: Overrides = None,
    *,
    arm: RunArm = None,
    photos: PhotoKinds = None,
    output: Annotated[Path, typer.Option(help="CSV or parquet file to write")],
) -> None:
    """Probabilities for every case of a table; labels are neither needed nor read."""
    if output.exists():
        raise UserError(f"{output} is there already; choose another --output")
    place = data_or_table(table, overrides)

    from mmskin.api.predictor import Predictor
    from mmskin.external.new_cases import cases_to_answer

    predictor = Predictor.load(model, arm=arm)
    cases = cases_to_answer(place, predictor.trained, kinds=read_kinds(photos))
    answers = predictor.predict_table(cases.table)
    if output.suffix == ".parquet":
        answers.to_parquet(output)
    else:
        answers.to_csv(output, index=False)
    for remark in (*cases.remarks, *predictor.trained.remarks):
        say(f"note: {remark}")
    say(f"{len(answers)} cases: {output}")
