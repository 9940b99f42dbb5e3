"""The whole way in minutes: make a clinic whose truth is known, train four arms on the same patients, compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmskin.benchmark.answer import write_answer
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.run.grid import Cell
from mmskin.benchmark.run.run import run_benchmark
from mmskin.benchmark.run.this_process import ThisProcess
from mmskin.config.validation import validated
from mmskin.errors import UserError
from mmskin.evaluation.results import Results
from mmskin.report.headline import headline
from mmskin.report.numbers import number, with_interval
from mmskin.report.summary_lines import summary
from mmskin.synthetic import Ceiling, ceiling, make_clinic, read_truth

CNN = "test_resnet"  # timm's small ResNet, 0.5 M parameters, random weights: nothing is downloaded
HISTORY = "text_only"
EXAMPLES = 3  # of each kind shown in the report: its patients do not exist

# What each arm sees of a case: the truth for it is a different one.
SEES = {
    "image_only": ("photo",),
    HISTORY: ("history",),
    "late": ("photo", "history"),
    "cross_attention": ("photo", "history"),
}


def run_quickstart(
    output: Path,
    *,
    cases: int = 1200,
    seed: int = 0,
    epochs: int = 16,
    lessons: int = 400,
    console: Console | None = None,
) -> dict[str, Any]:
    """Make the clinic, train, print the table, write the report.

    Args:
        output: new folder.
        cases: number of synthetic cases.
        seed: of everything.
        epochs: see `quickstart_benchmark`.
        lessons: see there too.
        console: to print on; stdout if None.

    Returns:
        What came out, in plain values: metrics and differences, the ceiling of every arm, where report and model are.

    Raises:
        UserError: the output folder is not empty.
    """
    console = console or Console(highlight=False)
    clinic, benchmark = output / "clinic", quickstart_benchmark(output, seed=seed, epochs=epochs, lessons=lessons)
    if not (clinic / "cases.csv").exists() and output.exists() and any(output.iterdir()):
        raise UserError(f"{output} is not empty; remove it or give another --output")
    if not clinic.exists():
        console.print(f"[bold]1/3[/] drawing {cases} synthetic cases: photos, histories, and the truth behind them")
        make_clinic(clinic, cases=cases, seed=seed)
    console.print("[bold]2/3[/] training: a small CNN on photos alone, then three arms that share it")
    run_benchmark(benchmark, output, executor=ThisProcess(keep_going=False), say=lambda line: None)
    console.print("[bold]3/3[/] evaluating on patients that no arm has seen")
    ceilings = {arm: ceiling(read_truth(clinic).design, seen=_attributes(clinic, arm)) for arm in SEES}
    results = write_answer(benchmark, output, notes=ceiling_lines(ceilings))
    console.print(ceiling_table(results, ceilings))
    console.print(Text(headline(results, added="the history")[0], style="bold"))
    model = Cell("cross_attention", 0, seed).folder(output) / "model"
    console.print(
        f"Synthetic diseases: the numbers say that the parts work, nothing about skin.\n"
        f"Report: {output / 'report.html'}\n"
        f"Next:   mmskin predict {model} --image {clinic / 'photos'}/… --field itch=yes\n"
        f"        mmskin train configs/csv/own_data.yaml --output runs/mine   (your own photos and table)"
    )
    known = {arm: best._asdict() for arm, best in ceilings.items()}
    written = {"output": str(output), "report": str(output / "report.html"), "model": str(model)}
    return {**summary(results), "ceilings": known, **written}


def quickstart_benchmark(
    output: Path, *, seed: int, epochs: int, arms: Sequence[str] = tuple(SEES), folds: int = 4, lessons: int = 400
) -> Benchmark:
    """Four arms under one recipe each: the CNN learns in image_only, and is read from there, frozen, by the others.

    The note's encoder is taught the clinic's fields before, on random histories; late fusion reads them as typed fields
    too, and weighs its experts by validation rows, for the CNN knows its training rows by heart.

    Args:
        output: folder that holds the clinic, and the features.
        seed: of the training.
        epochs: of the CNN; the arms that read it frozen have twice as many.
        arms: some of `SEES`, image_only among them.
        folds: of which one tests, one validates and the others train.
        lessons: batches of random histories on which the note's encoder is taught.
    """
    augmented = {"epochs": epochs, "views": epochs, "augment": {"zoom": 0.1, "blur": 0.0, "erase": 0.0}}
    own: dict[str, Any] = {
        "image_only": {**augmented, "learning_rate": 2e-3},
        "cross_attention": {"learning_rate": 2e-3},
    }
    weighed = {"late": {"weights": "validation"}}
    reads_cnn = {"encoders": {"image": {"from": "image_only"}}}
    lines = {
        arm: {
            "fusion": {"name": arm, **weighed.get(arm, {})},
            "training": own.get(arm, {}),
            **(reads_cnn if "photo" in SEES[arm] and arm != "image_only" else {}),
        }
        for arm in arms
    }
    return validated(
        Benchmark,
        {
            "name": "mmskin quickstart",
            "data": {
                "source": {"name": "synthetic"},
                "root": str(output / "clinic"),
                "folds": folds,
                "test_folds": [0],
                "photo_side": 128,
            },
            "seeds": [seed],
            "primary": {"arm": "late", "reference": "image_only"},
            "encoders": {
                # Half the side of the photos, with a map as fine as of the whole: in the same seconds it goes through
                # twice as many (balanced accuracy on photos measured: .54 in 64 s, of whole ones .49 in 84 s).
                "image": {"name": "timm", "model": CNN, "image_size": 64, "output_stride": 16},
                "text": {
                    "name": "hashing",
                    "dim": 64,
                    "buckets": 2048,
                    "trainable": "none",
                    "taught": {"steps": lessons},
                },
                "metadata": {"name": "tokens", "pooled": "columns"},
            },
            "loss": {"name": "class_balanced_focal", "beta": 0.99, "gamma": 0.5},
            # One thread: on two busy cores, two threads that wait for each other took four times as long.
            "training": {
                "threads": 1,
                "batch_size": 32,
                "encoder_learning_rate": 2e-3,
                "learning_rate": 6e-3,
                "epochs": 2 * epochs,
                "views": 2,
                "augment": augmented["augment"],
                "field_dropout": 0.2,
                "validate_epochs": False,
                "save_model": True,
            },
            "arms": lines,
            "audit": False,
            "missing_parts": None,
            "explanations": None,
            "example_cases": EXAMPLES,
            "features": str(output / "features"),
        },
        where="quickstart",
    )


def ceiling_table(results: Results, ceilings: dict[str, Ceiling]) -> Table:
    """Both accuracies of every arm with their intervals, each beside the best that its part of the truth allows."""
    title = "Test patients; in brackets 95 % intervals; ceilings: what Bayes would reach"
    shown = Table(title=title, box=None, pad_edge=False)  # a row fits 80 columns
    for column in ("arm", "balanced accuracy", "ceiling", "accuracy", "ceiling"):
        shown.add_column(column, justify="left" if column == "arm" else "right")
    balanced, plain = (results.overall(metric).set_index("arm") for metric in ("balanced_accuracy", "accuracy"))
    for arm, best in ceilings.items():
        shown.add_row(
            arm,
            *(with_interval(balanced.loc[arm].to_dict()), number(best.balanced_accuracy)),
            *(with_interval(plain.loc[arm].to_dict()), number(best.accuracy)),
        )
    return shown


def ceiling_lines(ceilings: dict[str, Ceiling]) -> list[str]:
    """The ceilings as sentences for the report."""
    return [
        f"Ceiling of {arm}, known exactly because the clinic is synthetic: "
        f"balanced accuracy {number(best.balanced_accuracy)}, accuracy {number(best.accuracy)}."
        for arm, best in ceilings.items()
    ]


def _attributes(clinic: Path, arm: str) -> Sequence[str]:
    design = read_truth(clinic).design
    by_part = {"photo": tuple(design.photo), "history": tuple(design.history)}
    return [attribute for part in SEES[arm] for attribute in by_part[part]]
