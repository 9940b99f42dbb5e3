"""`mmskin explain`: why the model answers so, and whether such explanations hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmskin.cli.console import json_on_stdout, say
from mmskin.cli.options import (
    AsJson,
    Fields,
    Images,
    MapMethod,
    Model,
    Overrides,
    RunArm,
    Text,
    read_data_section,
    read_photos,
)

if TYPE_CHECKING:
    from mmskin.config.experiment import DataConfig


def explain(
    model: Model,
    config: Annotated[Path | None, typer.Argument(help="with --check: whose data section says where cases are")] = None,
    overrides: Overrides = None,
    image: Images = None,
    history: Annotated[Path | None, typer.Option(help='JSON file, {"fields": {"age": 62}, "text": "…"}')] = None,
    field: Fields = None,
    text: Text = None,
    target: Annotated[str | None, typer.Option(help="class to explain; the most likely one if not given")] = None,
    exact_fields: Annotated[
        int, typer.Option(min=0, help="recorded fields up to which values are exact; beyond, drawn with error bars")
    ] = 10,
    check: Annotated[
        bool, typer.Option("--check", help="do explanations hold on test cases of CONFIG, with the model's own folds?")
    ] = False,
    cases: Annotated[int, typer.Option(min=1, help="with --check: how many test cases, drawn")] = 20,
    map_method: MapMethod = "grad_cam",
    arm: RunArm = None,
    *,
    output: Annotated[Path, typer.Option(help="folder for explanation.html or check.html, its JSON and the figures")],
    as_json: AsJson = False,
) -> None:
    """Why the model answers so: the photo, the words, the fields, how much each counted, and what would change it."""
    if check:
        if image or history or field or text or target:
            raise typer.BadParameter("--check draws its cases from the test fold: leave the case out")
        if config is None:
            raise typer.BadParameter("--check needs a config: mmskin explain MODEL CONFIG --check --output …")
        data = read_data_section(config, overrides)
        check_on_test_fold(model, data, arm=arm, cases=cases, method=map_method, output=output, as_json=as_json)
        return
    if config is not None:
        raise typer.BadParameter(f"{config}: a config is read with --check only; a case is given by options")
    from mmskin.api.predictor import Predictor, read_history
    from mmskin.explain.explainer import Explainer, read_history_file
    from mmskin.output_lock import locked
    from mmskin.reminder import NOT_A_DIAGNOSIS
    from mmskin.report.explanation_html import write_explanation
    from mmskin.report.explanation_sentences import sentences

    recorded, words = read_history_file(history) if history is not None else ({}, None)
    trained = Predictor.load(model, arm=arm).trained
    explainer = Explainer(trained, exact_fields=exact_fields)
    photos = read_photos(image or [], trained)
    explanation = explainer.explain(photos, recorded | read_history(field or []), text or words, target=target)
    with locked(output):
        page = write_explanation(explanation, output)
    with json_on_stdout(as_json) as tell:
        for sentence in sentences(explanation):
            print(sentence)
        for remark in explanation.remarks:
            print(f"note: {remark}")
        print(NOT_A_DIAGNOSIS)
        tell(output / "explanation.json")
    say(f"page: {page}")


def check_on_test_fold(
    model: Path, data: DataConfig, *, arm: str | None, cases: int, method: str, output: Path, as_json: bool
) -> None:
    """Measure the explanations of a saved model on its own test fold."""
    from mmskin.api.predictor import Predictor
    from mmskin.explain.explanation_check import check_explanations, unseen_rows
    from mmskin.output_lock import locked
    from mmskin.report.check_page import lines, write_check

    trained = Predictor.load(model, arm=arm).trained
    found = check_explanations(trained, unseen_rows(trained, data), cases=cases, method=method)
    made = trained.record
    about = {"model": str(model), "experiment": made["experiment"]["name"], "fold": made["fold"], "heat map": method}
    with locked(output):
        page = write_check(found, output, about=about, command=" ".join(["mmskin", *sys.argv[1:]]))
    with json_on_stdout(as_json) as tell:
        for line in lines(found):
            print(line)
        tell(page.with_suffix(".json"))
    say(f"page: {page}")
