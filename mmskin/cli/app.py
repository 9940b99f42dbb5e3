"""The command line: parse, call the library, print. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from mmskin import __version__
from mmskin.errors import MmskinError

if TYPE_CHECKING:
    from mmskin.benchmark.benchmark_config import Benchmark
    from mmskin.benchmark.run.run import Executor

STOPPED = 130  # by Ctrl-C, as shells say it

app = typer.Typer(
    help="Skin lesion classification from a photo and what the patient says. An aid for research, not a diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Read data sets, describe them, make a synthetic one.", no_args_is_help=True)
app.add_typer(data_app, name="data")


class Executors(StrEnum):
    """Where the cells of a benchmark are run."""

    local = "local"
    ray = "ray"


Config = Annotated[Path, typer.Argument(help="experiment, a YAML file such as configs/pad_ufes_20/late.yaml")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="overrides, such as training.epochs=5 data.missingness=always_recorded")
]


@app.command()
def quickstart(
    output: Annotated[Path, typer.Option(help="new folder: clinic, runs and report")] = Path("quickstart"),
    cases: Annotated[int, typer.Option(min=200, help="number of synthetic cases")] = 1200,
    seed: Annotated[int, typer.Option(help="seed of everything")] = 0,
) -> None:
    """Make a synthetic clinic, compare four arms on the same patients, print the table, write a report. Minutes."""
    from mmskin.benchmark.quickstart import run_quickstart

    run_quickstart(output, cases=cases, seed=seed)


@app.command()
def train(
    config: Config,
    overrides: Overrides = None,
    *,
    output: Annotated[Path, typer.Option(help="folder for config, models, predictions, metrics and report")],
    jobs: Annotated[int, typer.Option(min=1, help="folds trained side by side; set training.threads=1 too")] = 1,
    no_test: Annotated[bool, typer.Option("--no-test", help="test rows untouched: for choosing a recipe")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="no progress bars")] = False,
) -> None:
    """Train on every fold asked for, test on unseen patients, write the report. Stopped, the same command goes on."""
    from mmskin.benchmark.benchmark_config import of_one_arm
    from mmskin.benchmark.run.executors import open_executor
    from mmskin.benchmark.run.this_process import ThisProcess
    from mmskin.config.experiment import read_experiment

    asked = of_one_arm(read_experiment(config, [*(overrides or []), *(["test=false"] if no_test else [])]))
    with ThisProcess(keep_going=False) if jobs == 1 else open_executor("local", jobs=jobs) as where:
        say_run(asked, output, where, quiet=quiet)


@app.command()
def benchmark(
    config: Annotated[Path, typer.Argument(help="benchmark, a YAML file such as configs/pad_ufes_20/benchmark.yaml")],
    overrides: Overrides = None,
    *,
    output: Annotated[Path, typer.Option(help="folder for cells, predictions, metrics and report; goes on in its own")],
    executor: Annotated[Executors, typer.Option(help="where cells are run")] = Executors.local,
    ray_address: Annotated[str | None, typer.Option(help="of a Ray cluster; one on this machine if not given")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="cells at a time, a thread each; all cores if not given")
    ] = None,
    replicates: Annotated[int, typer.Option(min=100, help="resamples of the patients")] = 2000,
    quiet: Annotated[bool, typer.Option("--quiet", help="no live table")] = False,
) -> None:
    """Arms × folds × seeds on the same patients under one recipe. Stopped, the same command goes on."""
    from mmskin.benchmark.benchmark_config import read_benchmark
    from mmskin.benchmark.run.executors import open_executor

    asked = read_benchmark(config, overrides or [])
    with open_executor(executor.value, jobs=jobs, ray_address=ray_address) as where:
        say_run(asked, output, where, replicates=replicates, quiet=quiet)


@app.command()
def audit(
    overrides: Overrides = None,
    *,
    data: Annotated[Path, typer.Option(help="experiment whose data section is audited, a YAML file")],
    output: Annotated[Path, typer.Option(help="folder for audit.html and audit.json")] = Path("audit"),
    strict: Annotated[bool, typer.Option("--strict", help="exit code 1 if a leak stands")] = False,
) -> None:
    """What fools a model: leaking splits, copies of photos, columns and blanks that tell the class. Before training."""
    from mmskin.audit.page import summary, write_audit
    from mmskin.audit.run import run_audit
    from mmskin.config.experiment import read_experiment

    found = run_audit(read_experiment(data, overrides or []).data, say=_say)
    page = write_audit(found, output, command=" ".join(["mmskin", *sys.argv[1:]]))
    print(summary(found))
    for finding in found.findings:
        print(f"{finding.level}: {finding.text}")
    _say(f"page: {page}")
    if strict and found.leaks:
        raise typer.Exit(1)


@app.command()
def evaluate(
    runs: Annotated[list[Path], typer.Argument(help="run folders or predictions.parquet files, on the same folds")],
    output: Annotated[Path, typer.Option(help="folder for report.html, results.json and figures")],
    reference: Annotated[str | None, typer.Option(help="arm that all others are compared with, paired")] = None,
    primary: Annotated[str | None, typer.Option(help="arm of the headline, named in advance, not the best one")] = None,
    replicates: Annotated[int, typer.Option(min=100, help="resamples of the patients")] = 2000,
) -> None:
    """Metrics with intervals from predictions tables; with --reference the paired differences too."""
    say_report(runs, output, title="Comparison", reference=reference, primary=primary, replicates=replicates)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="model folder, or a run folder that holds one model")],
    image: Annotated[list[Path] | None, typer.Option(help="photo; repeat for several of the same lesion")] = None,
    field: Annotated[list[str] | None, typer.Option(help="a field of the history, such as age=62; repeat")] = None,
    text: Annotated[str | None, typer.Option(help="what the patient says, in free text")] = None,
    heatmap: Annotated[Path | None, typer.Option(help="write a Grad-CAM overlay here (PNG)")] = None,
    target: Annotated[str | None, typer.Option(help="class of the heat map; the most likely one if not given")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """The differential of one case, with what it rests on. Any part may be left out."""
    from mmskin.api.predictor import Predictor, read_history
    from mmskin.inputs.photos import open_rgb
    from mmskin.reminder import NOT_A_DIAGNOSIS
    from mmskin.report.numbers import percent

    predictor = Predictor.load(model)
    fields = read_history(field or [])
    answer = predictor.predict(image=[str(path) for path in image] if image else None, metadata=fields, text=text)
    said: tuple[str, ...] = ()
    if heatmap is not None:
        if not image:
            raise typer.BadParameter("a heat map needs --image")
        found = predictor.photo_map(str(image[0]), fields, text, target=target)
        found.over(open_rgb(image[0]).image).save(heatmap)
        said = found.notes
    if as_json:
        print(json.dumps(answer.to_json() | ({"heat_map": said} if said else {}), indent=2))
        return
    for name, probability in answer.probabilities.items():
        title = predictor.schema.class_titles.get(name, name)
        bar = "█" * round(30 * probability)
        print(f"{percent(probability, digits=1):>6}  {bar:30}  {name}  {title if title != name else ''}".rstrip())
    print(f"used: {', '.join(answer.used)}" + (f"; missing: {', '.join(answer.missing)}" if answer.missing else ""))
    for remark in answer.remarks:
        print(f"note: {remark}")
    for line in said:
        print(f"heat map: {line}")
    print(NOT_A_DIAGNOSIS)


@app.command()
def explain(
    model: Annotated[Path, typer.Argument(help="model folder, or a run folder that holds one model")],
    image: Annotated[list[Path] | None, typer.Option(help="photo; repeat for several of the same lesion")] = None,
    history: Annotated[Path | None, typer.Option(help='JSON file, {"fields": {"age": 62}, "text": "…"}')] = None,
    field: Annotated[list[str] | None, typer.Option(help="a field of the history, such as age=62; repeat")] = None,
    text: Annotated[str | None, typer.Option(help="what the patient says, in free text")] = None,
    target: Annotated[str | None, typer.Option(help="class to explain; the most likely one if not given")] = None,
    exact_fields: Annotated[
        int, typer.Option(min=0, help="recorded fields up to which values are exact; beyond, drawn with error bars")
    ] = 10,
    check: Annotated[
        Path | None, typer.Option(help="experiment with the model's own folds: do explanations hold on its test cases?")
    ] = None,
    cases: Annotated[int, typer.Option(min=1, help="with --check: how many test cases, drawn")] = 20,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="with --check: override, such as data.root=/data/new")
    ] = None,
    *,
    output: Annotated[Path, typer.Option(help="folder for explanation.html or check.html, its JSON and the figures")],
) -> None:
    """Why the model answers so: the photo, the words, the fields, how much each counted, and what would change it."""
    from mmskin.api.predictor import Predictor, read_history
    from mmskin.explain.explainer import Explainer, read_history_file
    from mmskin.reminder import NOT_A_DIAGNOSIS
    from mmskin.report.explanation_html import write_explanation
    from mmskin.report.explanation_sentences import sentences

    if check is not None:
        if image or history or field or text or target:
            raise typer.BadParameter("--check draws its cases from the test fold: leave the case out")
        say_check(model, check, overrides or [], cases=cases, output=output)
        return
    told, words = read_history_file(history) if history is not None else ({}, None)
    photos = [str(path) for path in image] if image else None
    explainer = Explainer(Predictor.load(model).trained, exact_fields=exact_fields)
    explanation = explainer.explain(photos, told | read_history(field or []), text or words, target=target)
    page = write_explanation(explanation, output)
    for sentence in sentences(explanation):
        print(sentence)
    for remark in explanation.remarks:
        print(f"note: {remark}")
    print(NOT_A_DIAGNOSIS)
    _say(f"page: {page}")


@app.command()
def demo(
    model: Annotated[Path | None, typer.Option(help="model or run folder; a small synthetic one if not given")] = None,
    host: Annotated[str, typer.Option(help="address to listen on; the default is this computer only")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 7860,
) -> None:
    """The clinician's page in a browser: photo and history in, an answer one can question. In a source checkout."""
    from mmskin.errors import UserError

    program = Path(__file__).parents[2] / "demo" / "app.py"
    if not program.is_file():
        raise UserError(f"{program} does not exist: the page is part of the source, not of the package; clone it")
    chosen = ["--model", str(model)] if model is not None else []
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, str(program), *chosen, "--host", host, "--port", str(port)])


@app.command("predict-table")
def predict_table(
    model: Annotated[Path, typer.Argument(help="model folder, or a run folder that holds one model")],
    config: Annotated[Path, typer.Argument(help="experiment whose data section says how to read the table")],
    output: Annotated[Path, typer.Option(help="CSV or parquet file to write")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help="override, such as data.root=/data/new")] = None,
) -> None:
    """Probabilities for every case of a table; labels are not needed and not looked at."""
    from mmskin.api.predictor import Predictor
    from mmskin.config.experiment import read_experiment
    from mmskin.data.load import read_source
    from mmskin.errors import UserError

    if output.exists():
        raise UserError(f"{output} is there already; choose another --output")
    cases = read_source(read_experiment(config, overrides or []).data)
    answers = Predictor.load(model).predict_table(cases.table)
    if output.suffix == ".parquet":
        answers.to_parquet(output)
    else:
        answers.to_csv(output, index=False)
    _say(f"{len(answers)} cases: {output}")


@app.command()
def describe(
    name: Annotated[str | None, typer.Argument(help="a source, fusion, encoder or loss; all if not given")] = None,
) -> None:
    """What mmskin has: data sets with their cards, encoders, fusions, losses."""
    from mmskin.cli.catalogue import describe_all, describe_one

    print(describe_one(name) if name else describe_all())


@data_app.command("describe")
def data_describe(config: Config, overrides: Overrides = None) -> None:
    """What was read: cases, classes, patients, what is missing per field, photos not found."""
    from mmskin.config.experiment import read_experiment
    from mmskin.data.load import read_source
    from mmskin.report.data_summary import describe as describe_cases

    print(describe_cases(read_source(read_experiment(config, overrides or []).data)))


@data_app.command("check")
def data_check(config: Config, overrides: Overrides = None) -> None:
    """Open every photo and read every cell: every fault of table, folds and photos at once. Exit code 2 if any."""
    from mmskin.audit.check import check
    from mmskin.config.experiment import read_experiment

    found = check(read_experiment(config, overrides or []).data)
    print(f"{found.cases:,} cases read, {found.photos:,} photos opened, {len(found.faults):,} faults")
    for fault in found.faults:
        print(f"fault: {fault}")
    for remark in found.remarks:
        print(f"note: {remark}")
    if found.faults:
        raise typer.Exit(2)


@data_app.command("note")
def data_note(
    config: Config,
    overrides: Overrides = None,
    *,
    row: Annotated[str, typer.Option(help="case id, as the source gives it")],
    wordings: Annotated[int, typer.Option(min=0, help="show as many of the training wordings too")] = 0,
) -> None:
    """The clinical note of one case as a model of this experiment would read it."""
    from mmskin.config.experiment import read_experiment
    from mmskin.inputs.show_note import notes_of

    for note in notes_of(read_experiment(config, overrides or []).data, row, wordings=wordings):
        print(note or "(nothing is recorded: no note)")


@data_app.command("make-synthetic")
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
    _say(f"{cases} cases: {output}")


def say_run(
    benchmark: Benchmark, output: Path, executor: Executor, *, replicates: int = 2000, quiet: bool = False
) -> None:
    """Run what is not there yet, write the report, say what came out; exit code 1 if a cell failed."""
    from mmskin.benchmark.answer import write_answer
    from mmskin.benchmark.run.run import run_benchmark
    from mmskin.report.summary_lines import summary_lines

    failures = run_benchmark(benchmark, output, executor=executor, say=_say, quiet=quiet)[1]
    for failure in failures:
        print(f"failed: {failure.arm}, fold {failure.fold}, seed {failure.seed}: {failure.reason}")
    for line in summary_lines(write_answer(benchmark, output, failures, replicates=replicates, say=_say)):
        print(line)
    _say(f"report: {output / 'report.html'}")
    if failures:
        raise typer.Exit(1)


def say_check(model: Path, config: Path, overrides: list[str], *, cases: int, output: Path) -> None:
    """Measure the explanations of a saved model on its own test fold."""
    from mmskin.api.predictor import Predictor
    from mmskin.config.experiment import read_experiment
    from mmskin.explain.explanation_check import check_explanations, unseen_rows
    from mmskin.report.check_page import lines, write_check

    trained = Predictor.load(model).trained
    found = check_explanations(trained, unseen_rows(trained, read_experiment(config, overrides).data), cases=cases)
    made = trained.record
    about = {"model": str(model), "experiment": made["experiment"]["name"], "fold": made["fold"]}
    page = write_check(found, output, about=about, command=" ".join(["mmskin", *sys.argv[1:]]))
    for line in lines(found):
        print(line)
    _say(f"page: {page}")


def say_report(runs: list[Path], output: Path, *, title: str, **question: Any) -> None:
    """Evaluate finished runs, print the lines that a person reads first, write the report."""
    from mmskin.evaluation.results import evaluate_runs, read_runs
    from mmskin.report.pages import typed_command
    from mmskin.report.results_report import write_report
    from mmskin.report.summary_lines import summary_lines

    results = evaluate_runs(read_runs(runs), **question)
    page = write_report(results, output, title=title, command=typed_command())
    for line in summary_lines(results):
        print(line)
    _say(f"report: {page}")


def _say(line: str) -> None:
    Console(stderr=True, highlight=False).print(line, markup=False)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mmskin {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print it")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="show tracebacks")] = False,
) -> None:
    """Options before the command."""


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
