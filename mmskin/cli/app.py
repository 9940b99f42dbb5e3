"""The command line, assembled: a file a command. Heavy imports wait until a command needs them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mmskin import __version__
from mmskin.cli.audit import audit
from mmskin.cli.benchmark import benchmark
from mmskin.cli.data_check import data_check
from mmskin.cli.data_describe import data_describe
from mmskin.cli.data_make_synthetic import data_make_synthetic
from mmskin.cli.data_note import data_note
from mmskin.cli.demo import demo
from mmskin.cli.describe import describe
from mmskin.cli.drift import drift
from mmskin.cli.evaluate import evaluate
from mmskin.cli.explain import explain
from mmskin.cli.init import init
from mmskin.cli.leak_study import leak_study
from mmskin.cli.predict import predict
from mmskin.cli.predict_table import predict_table
from mmskin.cli.quickstart import quickstart
from mmskin.cli.schema import schema
from mmskin.cli.teach import teach
from mmskin.cli.train import train
from mmskin.config.plugins import import_plugins
from mmskin.errors import MmskinError

STOPPED = 130  # by Ctrl-C, as shells say it

app = typer.Typer(
    help="Skin lesion classification from a photo and what the patient says. An aid for research, not a diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    quickstart,
    init,
    train,
    benchmark,
    leak_study,
    audit,
    teach,
    evaluate,
    predict,
    explain,
    demo,
    predict_table,
    drift,
    describe,
    schema,
):
    app.command()(command)
data_app = typer.Typer(help="Read data sets, describe them, make a synthetic one.", no_args_is_help=True)
for name, data_command in (
    ("describe", data_describe),
    ("check", data_check),
    ("note", data_note),
    ("make-synthetic", data_make_synthetic),
):
    data_app.command(name)(data_command)
app.add_typer(data_app, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mmskin {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print it")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="show tracebacks")] = False,
    plugin: Annotated[list[str] | None, typer.Option(help="module that registers parts of yours; repeat")] = None,
) -> None:
    """Options before the command."""
    import_plugins(plugin or [])


def main() -> None:
    """Entry point: what goes wrong is one plain line and an exit code, 2 for bad input and 3 for a bad model."""
    try:
        code = app(standalone_mode=False) or 0
    except (MmskinError, typer.TyperException, OSError) as error:
        if "--debug" in sys.argv:
            raise
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        if message:  # `mmskin` alone has shown its help
            print(f"mmskin: {message}", file=sys.stderr)
        sys.exit(getattr(error, "exit_code", 2))
    if code == STOPPED:
        print("mmskin: stopped; the same command goes on", file=sys.stderr)
    sys.exit(code)
