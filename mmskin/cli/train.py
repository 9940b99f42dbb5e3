"""`mmskin train`: one arm on its folds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import say
from mmskin.cli.options import Config, Overrides
from mmskin.cli.report import say_report


def train(
    config: Config,
    overrides: Overrides = None,
    *,
    output: Annotated[Path, typer.Option(help="folder for config, models, predictions, metrics and report")],
    resume: Annotated[bool, typer.Option("--resume", help="go on with a run that was stopped")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="folds trained side by side; set training.threads=1 too")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="no progress bars")] = False,
) -> None:
    """Train on every fold asked for, test on patients never seen, write the report."""
    from mmskin.config.experiment import read_experiment
    from mmskin.model.parts_check import check_experiment

    experiment = read_experiment(config, overrides or [])
    check_experiment(experiment)

    from mmskin.training.run import run_experiment  # torch comes after the config is found good

    run_experiment(experiment, output, resume=resume, jobs=jobs, say=say, progress=not quiet)
    say_report([output], output, title=experiment.name)
