"""`mmskin evaluate`: metrics of predictions that are there, or of models on patients from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmskin.cli.options import AsJson, PhotoKinds, Replicates, RunArm, data_or_table, read_kinds
from mmskin.cli.report import say_report
from mmskin.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from mmskin.config.experiment import DataConfig


def evaluate(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="run folders or files of predictions (.parquet, .csv), on the same folds; with --data folders of "
            "models, or of runs whose models answer together; name=run gives the arm of a run another name, of several "
            "arms each as name-arm"
        ),
    ],
    output: Annotated[
        Path, typer.Option(help="folder for report.html, results.json, comparison.csv, comparison.tex and figures")
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            help="patients from elsewhere on whom models are evaluated: a labelled table laid out as the model's own, "
            "or a YAML file with a data section; for files of answers, where their labels are"
        ),
    ] = None,
    reference: Annotated[str | None, typer.Option(help="arm that all others are compared with, paired")] = None,
    primary: Annotated[str | None, typer.Option(help="arm of the headline, named in advance, not the best one")] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="in which arms are compared, the named one first; may be given several times"),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            help="shares of the classes under which probabilities are stated: data, uniform, estimated (from test rows "
            "without their labels), or a JSON file of shares by class; as the arms answered if left out"
        ),
    ] = None,
    least: Annotated[
        int, typer.Option(min=1, help="test cases that a class must have; cases of rarer classes are left out")
    ] = 1,
    arm: RunArm = None,
    photos: PhotoKinds = None,
    copies: Annotated[
        bool, typer.Option("--copies", help="with --data: leave out cases with copies of training photos (minutes)")
    ] = False,
    replicates: Replicates = 2000,
    as_json: AsJson = False,
) -> None:
    """Metrics with intervals; with --reference the paired differences too, with --data on patients from elsewhere."""
    named = [_named(run) for run in runs]
    asked = {"metric": metric[0], "metrics": metric} if metric else {}
    question = {"reference": reference, "primary": primary, "replicates": replicates, **asked}
    shown = {"least": least, "as_json": as_json, **question}
    place = None if data is None else data_or_table(data)
    are_models = [folder.is_dir() for _, folder in named]
    if place is not None and all(are_models):
        options = {"arm": arm, "kinds": read_kinds(photos), "copies": copies, "replicates": replicates}
        _say_elsewhere(_names(named), place, output, prior=prior, options=options, shown=shown)
        return
    if place is not None and any(are_models):
        raise UserError("--data evaluates models, or gives labels to files of answers: name the ones or the others")
    _say_runs(named, place, output, prior=prior, shown=shown)


def _say_elsewhere(
    models: Mapping[str, Path],
    place: Path | DataConfig,
    output: Path,
    *,
    prior: str | None,
    options: Mapping[str, Any],
    shown: Mapping[str, Any],
) -> None:
    from mmskin.external.evaluated import evaluate_elsewhere
    from mmskin.trained.stated_prior import read_prior

    found = evaluate_elsewhere(models, place, prior=None if prior is None else read_prior(prior), **options)
    stated = [] if prior is None else [f"Probabilities, and with them the answers, are stated under the prior {prior}."]
    say_report(
        found.runs,
        output,
        title="Patients from elsewhere",
        notes=[*found.notes, *stated],
        sections=found.sections,
        keeps_predictions=True,
        **shown,
    )


def _say_runs(
    named: Sequence[tuple[str, Path]],
    place: Path | DataConfig | None,
    output: Path,
    *,
    prior: str | None,
    shown: Mapping[str, Any],
) -> None:
    from mmskin.benchmark.safety import safeguards_of_run
    from mmskin.evaluation.predictions import check_predictions
    from mmskin.evaluation.results import read_runs
    from mmskin.report.pages import Sections
    from mmskin.trained.stated_prior import read_prior, under_prior

    names, folders = zip(*named, strict=True)
    read, notes = read_runs(folders, names=names, labels=None if place is None else _labels(place)), []
    if prior is not None:
        read = read._replace(table=under_prior(check_predictions(read.table), read_prior(prior)))
        notes.append(
            f"Probabilities, and with them the answers, are stated under the prior {prior}: a temperature and a bias "
            "for each class are fitted on the validation rows of every arm, fold and seed."
        )
    is_whole = len(folders) == 1 and folders[0].is_dir() and prior is None and shown["least"] == 1
    amid = safeguards_of_run(folders[0], replicates=shown["replicates"]) if is_whole else []
    say_report(read, output, title="Comparison", notes=notes, sections=Sections(amid=amid), **shown)


def _labels(place: Path | DataConfig) -> pd.DataFrame:
    """Case id, patient, label and subgroups of a data set."""
    from mmskin.data.load import labelled_cases, read_source

    if isinstance(place, Path):
        raise UserError(f"{place} says not where its labels are: give a YAML file with a data section (mmskin init)")
    table = labelled_cases(read_source(place)).table
    groups = [name for name in table if str(name).startswith("group_")]
    return table[["case_id", "patient_id", "target", *groups]]


def _named(run: str) -> tuple[str, Path]:
    """name=run in two; a path that exists is one, whatever it is called."""
    name, equals, path = run.partition("=")
    named = (name, Path(path)) if equals and "/" not in name and not Path(run).exists() else ("", Path(run))
    if not named[1].exists():
        raise UserError(f"{named[1]} does not exist: name the folder of a run, or a predictions.parquet")
    return named


def _names(named: Sequence[tuple[str, Path]]) -> dict[str, Path]:
    """Models by name; those without one by their folder."""
    models = {name or folder.name: folder for name, folder in named}
    if len(models) < len(named):
        raise UserError("two models have one name: give each its own, such as first=runs/a second=runs/b")
    return models
