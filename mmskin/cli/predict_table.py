"""`mmskin predict-table`: probabilities for a whole table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmskin.cli.console import say
from mmskin.cli.options import Model, Overrides, RunArm, read_data_section
from mmskin.errors import UserError

if TYPE_CHECKING:
    from mmskin.api.predictor import Predictor
    from mmskin.data.table import Cases

YAML = (".yaml", ".yml")


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
    output: Annotated[Path, typer.Option(help="CSV or parquet file to write")],
) -> None:
    """Probabilities for every case of a table; labels are neither needed nor read."""
    if output.exists():
        raise UserError(f"{output} is there already; choose another --output")
    if overrides and table.suffix not in YAML:
        raise UserError(f"{overrides[0]} overrides nothing: {table} is a table, and only a YAML file has options")

    from mmskin.api.predictor import Predictor

    predictor = Predictor.load(model, arm=arm)
    cases = _read(table, overrides, predictor)
    answers = predictor.predict_table(cases.table)
    if output.suffix == ".parquet":
        answers.to_parquet(output)
    else:
        answers.to_csv(output, index=False)
    for remark in (*cases.remarks, *predictor.trained.remarks):
        say(f"note: {remark}")
    say(f"{len(answers)} cases: {output}")


def _read(table: Path, overrides: list[str] | None, predictor: Predictor) -> Cases:
    """The cases of a table as the model reads them; of a published data set as its own declaration reads it."""
    from mmskin.api.frames import file_to_answer
    from mmskin.config.build import build
    from mmskin.data.load import read_source
    from mmskin.data.sources import SOURCES
    from mmskin.data.sources.csv_table import CsvTable

    if table.suffix not in YAML:
        return file_to_answer(table, predictor.schema, predictor.modalities)
    data = read_data_section(table, overrides)
    source = build("source", SOURCES, data.source)
    if not isinstance(source, CsvTable):
        return read_source(data)
    declared = source.declaration
    path = Path(data.root) / declared.table[0]
    return file_to_answer(path, predictor.schema, predictor.modalities, layout=declared.layout)
