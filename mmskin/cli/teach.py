"""`mmskin teach`: a text encoder is taught the fields of a data set, without labels and without patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import json_on_stdout, say
from mmskin.cli.options import AsJson, Overrides


def teach(
    config: Annotated[Path, typer.Argument(help="experiment or benchmark with data and a text encoder")],
    overrides: Overrides = None,
    *,
    output: Annotated[Path, typer.Option(help="new folder for the taught encoder and its card")],
    threads: Annotated[int, typer.Option(min=1, help="torch threads; another number gives other last digits")] = 1,
    as_json: AsJson = False,
) -> None:
    """Teach a text encoder to read every declared field from a note: random histories, no labels, no patients."""
    from mmskin.teaching.teach_config import read_teach_config

    asked = read_teach_config(config, overrides or [])

    import torch  # after the config is found good

    from mmskin.data.load import read_source
    from mmskin.errors import UserError
    from mmskin.output_lock import locked
    from mmskin.teaching.taught import learner, write_taught

    if output.exists() and any(path.name != "lock" for path in output.iterdir()):
        raise UserError(f"{output} is not empty; a taught encoder is never written over another: choose a new folder")
    with locked(output):
        torch.set_num_threads(threads)
        schema = read_source(asked.data).schema
        encoder = learner(asked.slot, asked.options)
        write_taught(encoder, asked.slot, schema, asked.options, output, say=say)
    with json_on_stdout(as_json) as tell:
        print((output / "README.md").read_text(encoding="utf-8"))
        tell(output / "card.json")
    say(f"use it: encoders.text: {{name: {asked.slot['name']}, …, trainable: none, taught: {output}}}")
