"""`mmskin describe`: the parts there are, and what a saved model is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.console import json_on_stdout
from mmskin.cli.options import AsJson, RunArm, check_folder
from mmskin.errors import UserError


def describe(
    name: Annotated[
        str | None,
        typer.Argument(
            help="a source, fusion, encoder or loss, all if not given; or the folder of a model or run (with a slash, "
            "as in ./late, where a part has the same name)"
        ),
    ] = None,
    *,
    arm: RunArm = None,
    as_json: AsJson = False,
) -> None:
    """What mmskin has: data sets with their cards, encoders, fusions, losses. Or what a saved model is."""
    from mmskin.cli.catalogue import describe_all, describe_one, descriptions, is_part, summaries

    is_folder = name is not None and ("/" in name or (Path(name).is_dir() and not is_part(name)))
    if arm is not None and not is_folder:
        raise UserError(f"--arm {arm} is of a run folder: mmskin describe RUN --arm {arm}")
    with json_on_stdout(as_json) as tell:
        if name is None:
            print(describe_all())
            tell(summaries())
        elif not is_folder:
            print(describe_one(name))
            tell({"name": name, "descriptions": descriptions(name)})
        else:
            folder = check_folder(Path(name))

            from mmskin.report.model_description import describe_model, model_facts
            from mmskin.trained.run_models import load_trained

            facts = model_facts(load_trained(folder.expanduser(), arm=arm))
            print(describe_model(facts))
            tell(facts)
