"""`mmskin predict-table`: probabilities for a whole table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmskin.cli.console import json_on_stdout, say
from mmskin.cli.options import AsJson, Model, Overrides, PhotoKinds, RunArm, data_or_table, read_kinds
from mmskin.errors import UserError, one_of

if TYPE_CHECKING:
    import pandas as pd

    from mmskin.api.predictor import Predictor
    from mmskin.api.table_formats.format_contract import TableFormat
    from mmskin.data.table import Cases


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
    format_name: Annotated[
        str, typer.Option("--format", help="mmskin, or isic-milk10k: a submission to the MILK10k challenge")
    ] = "mmskin",
    level: Annotated[
        float, typer.Option(help="of the answer sets: of each class they hold the true one so often")
    ] = 0.9,
    as_json: AsJson = False,
) -> None:
    """Probabilities, answer set and triage for every case of a table; labels are neither needed nor read."""
    if output.exists():
        raise UserError(f"{output} is there already; choose another --output")

    from mmskin.api.table_formats import TABLE_FORMATS

    if format_name not in TABLE_FORMATS:
        raise UserError(one_of("--format", format_name, TABLE_FORMATS))
    chosen = TABLE_FORMATS[format_name]
    if chosen.suffixes and output.suffix not in chosen.suffixes:
        raise UserError(f"--format {format_name} is a {' or '.join(chosen.suffixes)} file, however: --output {output}")

    place = data_or_table(table, overrides)

    from mmskin.api.predictor import Predictor
    from mmskin.external.new_cases import read_new_cases

    predictor = Predictor.load(model, arm=arm)
    cases = read_new_cases(place, predictor.trained, kinds=read_kinds(photos))
    answers = _answer(predictor, cases, chosen, level)
    if output.suffix == ".parquet":
        answers.to_parquet(output)
    else:
        answers.to_csv(output, index=False, lineterminator="\n")
    remarks = [*cases.remarks, *predictor.trained.remarks]
    for remark in remarks:
        say(f"note: {remark}")
    say(f"{len(answers)} cases: {output}")
    with json_on_stdout(as_json) as tell:
        unanswered = int(answers.select_dtypes("number").isna().all(axis=1).sum())
        counts = {"cases": len(answers), "cases_without_answer": unanswered}
        tell({"output": str(output), "format": format_name, **counts, "remarks": remarks})


def _answer(predictor: Predictor, cases: Cases, chosen: TableFormat, level: float) -> pd.DataFrame:
    """The answers as they are written; what the format cannot hold is refused, if it can be before the work."""
    chosen.check(predictor.schema, cases.table["case_id"].tolist())
    return chosen.to_write(predictor.predict_table(cases.table, level=level))
