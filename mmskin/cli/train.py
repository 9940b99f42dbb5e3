"""`mmskin train`: one arm on its folds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import say
from mmskin.cli.options import AsJson, Config, Overrides
from mmskin.cli.run import say_run
from mmskin.errors import ConfigError


def train(
    config: Config,
    overrides: Overrides = None,
    *,
    output: Annotated[Path, typer.Option(help="folder for config, models, predictions, metrics and report")],
    jobs: Annotated[int, typer.Option(min=1, help="folds trained side by side; set training.threads=1 too")] = 1,
    no_test: Annotated[bool, typer.Option("--no-test", help="test rows untouched: for choosing a recipe")] = False,
    final: Annotated[
        bool,
        typer.Option("--final", help="after the folds one model of all cases, in final/; its expected score is theirs"),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="no progress bars")] = False,
    as_json: AsJson = False,
) -> None:
    """Train on every fold asked for, test on unseen patients, write the report. Stopped, the same command goes on."""
    from mmskin.config.experiment import read_experiment
    from mmskin.model.parts_check import check_experiment

    experiment = read_experiment(config, [*(overrides or []), *(["test=false"] if no_test else [])])
    check_experiment(experiment)
    if final and no_test:
        raise ConfigError(
            "--final needs the score of the test folds, which --no-test leaves out: leave out one of them"
        )

    from mmskin.benchmark.benchmark_config import of_one_arm  # torch comes after the config is found good
    from mmskin.benchmark.run.executors import open_executor
    from mmskin.benchmark.run.final import check_final_run, run_final
    from mmskin.benchmark.run.this_process import ThisProcess

    if final:
        check_final_run(experiment, output)
    with ThisProcess(keep_going=False) if jobs == 1 else open_executor("local", jobs=jobs) as where:
        say_run(of_one_arm(experiment), output, where, quiet=quiet, as_json=as_json)
    if final:
        made = run_final(experiment, output, say=say, progress=not quiet)
        say(f"model of all cases: {made}")
