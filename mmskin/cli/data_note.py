"""`mmskin data note`: the clinical note of a case."""

from __future__ import annotations

from typing import Annotated

import typer

from mmskin.cli.options import DataFile, Overrides, read_data_section


def data_note(
    config: DataFile,
    overrides: Overrides = None,
    *,
    row: Annotated[str, typer.Option(help="case id, as the source gives it")],
    wordings: Annotated[int, typer.Option(min=0, help="show as many of the training wordings too")] = 0,
) -> None:
    """The clinical note of one case as a model of this data set would read it."""
    section = read_data_section(config, overrides)

    from mmskin.inputs.show_note import notes_of

    for note in notes_of(section, row, wordings=wordings):
        print(note or "(nothing is recorded: no note)")
