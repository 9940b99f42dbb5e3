"""`mmskin data make-synthetic`: a clinic whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import say


def data_make_synthetic(
    output: Annotated[Path, typer.Argument(help="new folder for the clinic")],
    cases: Annotated[int, typer.Option(min=10, help="number of cases")] = 1000,
    size: Annotated[int, typer.Option(min=96, max=512, help="side of the photos, pixels")] = 128,
    interaction: Annotated[
        float, typer.Option(min=0, max=1, help="λ: how much of the diagnosis lies in photo and history together only")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="seed of everything")] = 0,
) -> None:
    """Draw a clinic whose truth is known: photos, histories, and every posterior."""
    from mmskin.synthetic import make_clinic

    make_clinic(output, cases=cases, size=size, interaction=interaction, seed=seed)
    say(f"{cases} cases: {output}")
