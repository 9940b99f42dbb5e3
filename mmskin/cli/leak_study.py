"""`mmskin leak-study`: what the leaks of common protocols are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import json_on_stdout, print_lines, say
from mmskin.cli.options import AsJson, Overrides, Replicates


def leak_study(
    config: Annotated[Path, typer.Argument(help="study, a YAML file such as configs/pad_ufes_20/leaks.yaml")],
    overrides: Overrides = None,
    *,
    output: Annotated[
        Path, typer.Option(help="folder for leaks.html, leaks.csv and a run a protocol; goes on in its own")
    ],
    jobs: Annotated[
        int | None, typer.Option(min=1, help="cells at a time, a thread each; all cores if not given")
    ] = None,
    replicates: Replicates = 2000,
    as_json: AsJson = False,
) -> None:
    """The same arms with every leak, then with one less each time: what each leak is worth. No model is saved."""
    from mmskin.benchmark.config_check import check_benchmark
    from mmskin.benchmark.leaks.study_config import read_leak_study

    study = read_leak_study(config, overrides or [])
    check_benchmark(study)

    from mmskin.benchmark.leaks.page import write_leak_study  # torch comes after the config is found good
    from mmskin.benchmark.leaks.study import run_leak_study
    from mmskin.benchmark.run.executors import open_executor
    from mmskin.report.pages import typed_command

    with json_on_stdout(as_json) as tell:
        with open_executor("local", jobs=jobs, ray_address=None) as executor:
            answers = run_leak_study(study, output, executor=executor, say=say)
        print_lines(write_leak_study(study, answers, output, replicates=replicates, command=typed_command()))
        tell(output / "leaks.json")
    say(f"page: {output / 'leaks.html'}")
