"""`mmskin explain`: why the model answers so, and whether such explanations hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

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
    kind: Annotated[
        str | None, typer.Option(help="with --check: kind of photo whose maps are measured; the first if not given")
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="with --check: keep with the model what its heat maps are worth"),
    ] = False,
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
        asked = MapAsked(map_method, kind, keep)
        check_on_test_fold(model, data, asked, arm=arm, cases=cases, output=output, as_json=as_json)
        return
    if keep or kind:
        raise typer.BadParameter("--keep and --kind go with --check")
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


class MapAsked(NamedTuple):
    """Which heat map is measured, of which kind of photo, and whether what it is worth is kept with the model."""

    method: str
    kind: str | None
    keep: bool


def check_on_test_fold(
    model: Path, data: DataConfig, asked: MapAsked, *, arm: str | None, cases: int, output: Path, as_json: bool
) -> None:
    """Measure the explanations of a saved model on its own test fold."""
    from mmskin.api.predictor import Predictor
    from mmskin.errors import UserError
    from mmskin.explain.explanation_check import check_explanations, evidence_of, mapped_kind, unseen_rows
    from mmskin.features import photo_title
    from mmskin.output_lock import locked
    from mmskin.report.check_page import lines, write_check
    from mmskin.trained.run_models import only_model
    from mmskin.trained.saved_model import keep_map_evidence

    kept_in = only_model(model, arm=arm) if asked.keep else model
    trained = Predictor.load(model, arm=arm).trained
    kind = mapped_kind(trained, asked.kind)
    found = check_explanations(trained, unseen_rows(trained, data), cases=cases, method=asked.method, kind=kind)
    if asked.keep:
        evidence = evidence_of(found)
        if kind is None or evidence is None:
            raise UserError(f"{found.cases} cases of {found.patients} patients say too little of heat maps to be kept")
        keep_map_evidence(kept_in, {kind: {asked.method: evidence}})
    made = trained.record
    about = {
        "model": str(model),
        "experiment": made["experiment"]["name"],
        "fold": made["fold"],
        "heat map": asked.method if kind is None else f"{asked.method} of the {photo_title(kind)}",
    }
    with locked(output):
        page = write_check(found, output, about=about, command=" ".join(["mmskin", *sys.argv[1:]]))
    with json_on_stdout(as_json) as tell:
        for line in lines(found):
            print(line)
        tell(page.with_suffix(".json"))
    say(f"page: {page}")
