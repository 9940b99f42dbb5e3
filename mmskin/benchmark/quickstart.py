"""The whole way in minutes: make a clinic whose truth is known, train four arms on the same patients, compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mmskin.config.experiment import Experiment, parse_experiment
from mmskin.errors import UserError
from mmskin.evaluation.results import Results, evaluate_runs, read_runs
from mmskin.report.numbers import number, with_interval
from mmskin.report.pages import typed_command
from mmskin.report.results_report import write_report
from mmskin.synthetic import Ceiling, ceiling, make_clinic, read_truth
from mmskin.training.run import run_experiment

CNN = "test_resnet"  # timm's small ResNet, 0.5 M parameters, random weights: nothing is downloaded
HISTORY = "text_only"

# What each arm sees of a case: the truth for it is a different one.
SEES = {
    "image_only": ("photo",),
    HISTORY: ("history",),
    "late": ("photo", "history"),
    "cross_attention": ("photo", "history"),
}


def run_quickstart(output: Path, *, cases: int = 1200, seed: int = 0, epochs: int = 12) -> None:
    """Make the clinic, train, print the table, write the report.

    Raises:
        UserError: the output folder is not empty.
    """
    console = Console(highlight=False)
    if output.exists() and any(output.iterdir()):
        raise UserError(f"{output} is not empty; remove it or give another --output")
    console.print(f"[bold]1/3[/] drawing {cases} synthetic cases: photos, histories, and the truth behind them")
    clinic = make_clinic(output / "clinic", cases=cases, seed=seed)
    console.print("[bold]2/3[/] training: a small CNN on photos alone, then three arms that share it")
    for arm in SEES:
        console.print(f"  {arm}")
        run_experiment(arm_experiment(arm, output, seed=seed, epochs=epochs), output / arm, say=lambda line: None)
    runs = read_runs([output / arm for arm in SEES])
    console.print("[bold]3/3[/] evaluating on patients that no arm has seen")
    ceilings = {arm: ceiling(read_truth(clinic).design, seen=_attributes(clinic, arm)) for arm in SEES}
    lines = ceiling_lines(ceilings)
    results = evaluate_runs(runs, reference="image_only")
    write_report(results, output, title="mmskin quickstart", notes=lines, command=typed_command())
    console.print(ceiling_table(results, ceilings))
    console.print(
        f"Synthetic diseases: the numbers say that the parts work, nothing about skin.\n"
        f"Report: {output / 'report.html'}\n"
        f"Next:   mmskin predict {output / 'cross_attention'} --image {clinic / 'photos'}/… --field itch=yes\n"
        f"        mmskin train configs/csv/own_data.yaml --output runs/mine   (your own photos and table)"
    )


def arm_experiment(arm: str, output: Path, *, seed: int, epochs: int) -> Experiment:
    """The recipe of one arm: the CNN learns in image_only, and is read from there, frozen, by the others."""
    encoders: dict[str, Any] = {}
    if "photo" in SEES[arm]:
        trained = str(output / "image_only" / "fold_{fold}" / "model")
        frozen = {"weights": trained, "trainable": "none"}
        encoders["image"] = {"name": "timm", "model": CNN, "image_size": 128} | (frozen if arm != "image_only" else {})
    if "history" in SEES[arm]:
        encoders["text"] = {"name": "hashing", "dim": 64}
    # One thread: on two busy cores, two threads that wait for each other took four times as long.
    training: dict[str, Any] = {"threads": 1, "batch_size": 32, "encoder_learning_rate": 2e-3, "learning_rate": 2e-3}
    training |= {"epochs": epochs, "views": epochs, "augment": {"zoom": 0.1, "blur": 0.0, "erase": 0.0}}
    if arm != "image_only":
        training |= {"epochs": 2 * epochs, "views": 2, "learning_rate": 2e-3 if arm == "cross_attention" else 6e-3}
    return parse_experiment(
        {
            "name": arm,
            "data": {
                "source": {"name": "synthetic"},
                "root": str(output / "clinic"),
                "folds": 4,
                "test_folds": [0],
                "photo_side": 128,
            },
            "encoders": encoders,
            "fusion": {"name": arm},
            "loss": {"name": "class_balanced_focal", "beta": 0.99, "gamma": 0.5},
            "training": training,
            "seed": seed,
            "features": str(output / "features"),
        }
    )


def ceiling_table(results: Results, ceilings: dict[str, Ceiling]) -> Table:
    """Both accuracies of every arm with their intervals, each beside the best that its part of the truth allows."""
    shown = Table(title="Test patients; in brackets 95 % intervals; ceilings: what Bayes would reach")
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
