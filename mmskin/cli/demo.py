"""`mmskin demo`: starts the page of a source checkout."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mmskin.errors import UserError


def demo(
    model: Annotated[
        Path | None, typer.Option(help="model or run folder; one that knows invented diseases if not given")
    ] = None,
    host: Annotated[str, typer.Option(help="address to listen on; the default is this computer only")] = "127.0.0.1",
    language: Annotated[str, typer.Option(help="of the page, such as en or de")] = "en",
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 7860,
    allow_visible_missingness: Annotated[
        bool,
        typer.Option("--allow-visible-missingness", help="use a model that was trained with missing fields visible"),
    ] = False,
    keep_diagnoses: Annotated[
        Path | None, typer.Option(help="file to which diagnoses and answers are appended; nothing of the patient")
    ] = None,
) -> None:
    """The clinician's page in a browser: photo and history in, an answer one can question. In a source checkout."""
    program = Path(__file__).parents[2] / "demo" / "app.py"
    if not program.is_file():
        raise UserError(f"{program} does not exist: the page is part of the source, not of the package; clone it")
    chosen = ["--model", str(model)] if model is not None else []
    chosen += ["--allow-visible-missingness"] if allow_visible_missingness else []
    chosen += ["--keep-diagnoses", str(keep_diagnoses)] if keep_diagnoses is not None else []
    sys.stdout.flush()
    os.execv(
        sys.executable,
        [sys.executable, str(program), *chosen, "--host", host, "--port", str(port), "--language", language],
    )
