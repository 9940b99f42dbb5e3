"""`train --final`: the model of all cases beside the folds of a run that say what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.audit.run import Say
from mmskin.benchmark.arms import NeuralArm
from mmskin.benchmark.benchmark_config import of_one_arm
from mmskin.benchmark.resolve import resolve
from mmskin.benchmark.run.cell import held_threads
from mmskin.benchmark.taught_arms import with_taught
from mmskin.config.experiment import Experiment
from mmskin.data.load import Fold, folds_of, load_cases, narrowed, prepare_fold
from mmskin.data.splits import Split
from mmskin.data.table import Cases
from mmskin.errors import ConfigError, UserError
from mmskin.evaluation.intervals import evaluate
from mmskin.evaluation.predictions import probabilities, read_predictions, reported_rows
from mmskin.json_values import plain, records
from mmskin.output_lock import locked
from mmskin.report.numbers import with_interval
from mmskin.trained.reference import OutOfFold
from mmskin.trained.run_models import models_of_run
from mmskin.trained.safeguards import joined, validated_by_parts
from mmskin.trained.saved_model import load_model, save_model
from mmskin.training.fit_final import check_final, fit_final

FINAL = "final"  # folder in that of the run


def check_final_run(experiment: Experiment, output: Path) -> None:
    """Refuse, before the folds are trained, what no final model can be made of.

    Raises:
        ConfigError: see `check_final`, or a recipe that saves no models.
        UserError: a final model is there already.
    """
    check_final(experiment)
    if not experiment.training.save_model:
        raise ConfigError(
            "a final model takes its calibration from the models of the folds: leave out save_model: false"
        )
    if (output / FINAL).exists():
        raise UserError(f"{output / FINAL} is there already; move it away, or give another --output")


def run_final(experiment: Experiment, output: Path, *, say: Say, progress: bool) -> Path:
    """Train and save the model of all cases of a finished run; returns its folder.

    Raises:
        UserError: see `check_final_run`; fields that the folds read differ from those that all cases allow.
    """
    check_final_run(experiment, output)
    cases = load_cases(experiment.data)
    (arm,) = with_taught(resolve(of_one_arm(experiment), output), cases.schema, say=say).values()
    assert isinstance(arm, NeuralArm)
    cells = models_of_run(output, arm=arm.name)
    folds = [load_model(one.folder) for one in cells]
    numbers = folds_of(arm.data, cases)
    table = read_predictions(output / "predictions.parquet")
    everyone = all_cases(arm, cases, number=1 + max(table["fold"]))
    read = {model.schema.field_names for model in folds}
    if read != {everyone.schema.field_names}:
        say("note: by always_recorded the model of all cases reads other fields than some of the folds")
    val = table[table["split"] == "val"]
    with held_threads(experiment.training.threads):
        trained = fit_final(
            arm.with_seed(experiment.seed),
            everyone,
            folds=folds,
            answers=OutOfFold(val[["patient_id", "target"]].reset_index(drop=True), probabilities(val)),
            validated=joined(
                [
                    validated_by_parts(model, prepare_fold(arm.data, cases, numbers, cell.fold).split.val)
                    for model, cell in zip(folds, cells, strict=True)
                ]
            ),
            expected=expected_score(table, cases),
            progress=progress,
        )
    with locked(output):
        save_model(trained, output / FINAL)
    return output / FINAL


def all_cases(arm: NeuralArm, cases: Cases, *, number: int) -> Fold:
    """Every case as a training row."""
    none = cases.table.iloc[:0]
    return narrowed(arm.data, cases.schema, Split(train=cases.table, val=none, test=none), number)


def expected_score(table: pd.DataFrame, cases: Cases) -> dict[str, Any]:
    """The score of the folds in plain values, and the sentence that every answer carries."""
    metrics = evaluate(table, class_groups=cases.schema.class_groups)
    headline = metrics[(metrics["metric"] == "balanced_accuracy") & (metrics["subset"] == "all")].iloc[0].to_dict()
    tested = reported_rows(table)["case_id"].nunique()
    remark = (
        f"trained on all {len(cases.table):,} cases and not tested itself: expect the balanced accuracy of the models "
        f"of its folds, {with_interval(headline)} on {tested:,} cases of other patients"
    )
    return {"remark": remark, "metrics": plain(records(metrics))}
