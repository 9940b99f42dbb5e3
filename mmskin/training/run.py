"""From an experiment to predictions, fold by fold: the main path of mmskin, top to bottom."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch

from mmskin.config.build import build
from mmskin.config.experiment import Experiment
from mmskin.data.load import Fold, folds_of, folds_to_test, load_cases, prepare_fold
from mmskin.data.table import histories
from mmskin.errors import ConfigError, UserError
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import GROUP, read_predictions, write_predictions
from mmskin.losses import LOSSES
from mmskin.model.classifier import MakeEncoder, MultimodalClassifier, build_model
from mmskin.model.parts_check import check_experiment
from mmskin.schema import Schema
from mmskin.trained.calibration import fit_temperature
from mmskin.trained.saved_model import save_model
from mmskin.trained.trained_model import Predict, TrainedModel
from mmskin.training.datasets import make_datasets
from mmskin.training.fit import fit
from mmskin.training.memory import keep_freed_memory
from mmskin.training.shared_encoders import shared_encoder

Say = Callable[[str], None]


def run_experiment(
    experiment: Experiment,
    output: Path,
    *,
    resume: bool = False,
    jobs: int = 1,
    say: Say = print,
    progress: bool = True,
) -> pd.DataFrame:
    """Train and test on every fold asked for.

    Args:
        experiment: what to do.
        output: folder for config.json, predictions.parquet and fold_<k>/{model, predictions.parquet, log}.
        resume: go on in a folder where the same experiment was stopped.
        jobs: folds trained at the same time, each in a process of its own.
        say: told what happens, a line at a time.
        progress: show bars.

    Returns:
        The predictions table: validation and test rows of every fold.

    Raises:
        UserError: bad input, or an output folder that holds another experiment.
    """
    check_experiment(experiment)
    refuse_double_balancing(experiment)
    claim_output(experiment, output, resume=resume)
    cases = load_cases(experiment.data)
    (output / "schema.json").write_text(json.dumps(cases.schema.to_json(), indent=2) + "\n")
    folds = folds_of(experiment.data, cases)
    numbers = folds_to_test(experiment.data, folds)
    places = {number: output / f"fold_{number}" / "predictions.parquet" for number in numbers}
    waiting = []
    for number, place in places.items():
        fold = prepare_fold(experiment.data, cases, folds, number)
        say(
            f"fold {number}: {len(fold.split.train)} cases train, {len(fold.split.val)} validate, "
            f"{len(fold.split.test)} test; the model sees {len(fold.schema.fields)} fields"
        )
        if not place.exists():
            waiting.append((experiment, fold, place, progress and jobs == 1))
    if jobs == 1:
        for cell in waiting:
            run_cell(*cell)
    else:
        run_side_by_side(waiting, jobs=jobs)
    table = pd.concat([read_predictions(place) for place in places.values()], ignore_index=True)
    write_predictions(table, output / "predictions.parquet")
    return table


def run_side_by_side(cells: list[tuple[Experiment, Fold, Path, bool]], *, jobs: int) -> None:
    """Several folds at a time; when one fails, those that have not begun are not begun."""
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            for done in as_completed([pool.submit(run_cell, *cell) for cell in cells]):
                done.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def run_cell(experiment: Experiment, fold: Fold, place: Path, progress: bool) -> None:
    """One fold in this process, its predictions written last."""
    keep_freed_memory()
    if experiment.training.threads:
        torch.set_num_threads(experiment.training.threads)
    write_predictions(run_fold(experiment, fold, place.parent, progress=progress), place)


def run_fold(experiment: Experiment, fold: Fold, folder: Path, *, progress: bool = True) -> pd.DataFrame:
    """Train on one fold, calibrate on its validation rows, save the model, predict validation and test rows."""
    fitted = fit_fold(experiment, fold, folder, progress=progress)
    return fold_predictions(fitted.probabilities, fold, arm=experiment.name, seed=experiment.seed)


def fit_fold(
    experiment: Experiment,
    fold: Fold,
    folder: Path,
    *,
    progress: bool = True,
    make_encoder: MakeEncoder = shared_encoder,
) -> TrainedModel:
    """Train on one fold, calibrate on its validation rows, save the model if the recipe says so.

    Args:
        experiment: what to do.
        fold: which rows do what.
        folder: for log, checkpoint and model; made if it is not there.
        progress: show bars.
        make_encoder: another maker of encoders, see `build_model`.
    """
    lightning.seed_everything(experiment.seed + 1000 * fold.number, workers=True, verbose=False)
    train = fold.split.train
    counts = [int((train.target == name).sum()) for name in fold.schema.classes]
    recipe = experiment.training
    model, loss = build_model(
        fold_slots(experiment, fold),
        experiment.fusion,
        experiment.loss,
        schema=fold.schema,
        class_counts=counts,
        photo_pooling=experiment.photo_pooling,
        balanced_sampler=recipe.sampler == "class_balanced",
        make_encoder=make_encoder,
    )
    fit_encoders(model, train, fold.schema)
    if recipe.channels_last:
        model.to(memory_format=torch.channels_last)
    train_data, val_data, _ = make_datasets(experiment, fold.split, fold.schema, model)
    folder.mkdir(parents=True, exist_ok=True)
    fit(model, loss, train_data, val_data, recipe, folder, seed=experiment.seed, progress=progress)
    trained = TrainedModel(
        model,
        loss,
        fold.schema,
        temperature=1.0,
        photo_side=experiment.data.photo_side,
        record=record_of(experiment, fold, counts),
        cached=val_data.readers,
    )
    val_probs = trained.probabilities(fold.split.val)
    answered = ~np.isnan(val_probs).any(axis=1)
    temperature = fit_temperature(val_probs[answered], np.asarray(val_data.targets)[answered])
    trained = replace(trained, temperature=temperature)
    if recipe.save_model:
        shutil.rmtree(folder / "model", ignore_errors=True)  # of a run that was stopped before its predictions
        save_model(trained, folder / "model")
    return trained


def fold_slots(experiment: Experiment, fold: Fold) -> dict[str, dict[str, Any]]:
    """Encoder slots with {fold} and {seed} filled in, so that a fold can start from its own fine-tuned encoder.

    Raises:
        ConfigError: something else stands in braces.
    """
    known = {"fold": fold.number, "seed": experiment.seed}
    slots: dict[str, dict[str, Any]] = {}
    for modality, slot in experiment.encoders.items():
        try:
            slots[modality] = {key: v.format(**known) if isinstance(v, str) else v for key, v in slot.items()}
        except (KeyError, IndexError, ValueError):
            raise ConfigError(f"encoders.{modality}: only {{fold}} and {{seed}} may stand in braces: {slot}") from None
    return slots


def fit_encoders(model: MultimodalClassifier, train: pd.DataFrame, schema: Schema) -> None:
    """What encoders learn from the table, they learn from training rows."""
    told = histories(train, schema)
    for encoder in model.encoders.values():
        encoder.fit(told)


def fold_predictions(predict: Predict, fold: Fold, *, arm: str, seed: int) -> pd.DataFrame:
    """Validation and test rows of one fold as one arm answers them."""
    parts = {"val": fold.split.val, "test": fold.split.test}
    tables = [
        predictions_table(part, predict(part), fold, arm=arm, seed=seed, split=split) for split, part in parts.items()
    ]
    return pd.concat(tables, ignore_index=True)


def predictions_table(
    part: pd.DataFrame, probabilities: Floats, fold: Fold, *, arm: str, seed: int, split: str
) -> pd.DataFrame:
    """Rows of the predictions table for one part of one fold. Cases of which nothing was present are left out."""
    columns: dict[str, Any] = {
        "case_id": part.case_id,
        "patient_id": part.patient_id,
        "fold": fold.number,
        "seed": seed,
        "arm": arm,
        "split": split,
        "target": part.target,
    }
    columns |= {f"prob_{label}": probabilities[:, code] for code, label in enumerate(fold.schema.classes)}
    columns |= {column: part[column] for column in part.columns if column.startswith(GROUP)}
    return pd.DataFrame(columns).iloc[np.flatnonzero(~np.isnan(probabilities).any(axis=1))]


def record_of(experiment: Experiment, fold: Fold, counts: list[int]) -> dict[str, Any]:
    """What a model remembers of its making."""
    return {
        "encoders": fold_slots(experiment, fold),
        "fusion": experiment.fusion,
        "photo_pooling": experiment.photo_pooling,
        "loss": experiment.loss,
        "class_counts": counts,
        "missingness": experiment.data.missingness,
        "fold": fold.number,
        "experiment": experiment.to_json(),
    }


def refuse_double_balancing(experiment: Experiment) -> None:
    """A class-balanced sampler beside a class-weighted loss balances twice, which has to be asked for twice.

    Raises:
        ConfigError: it was not.
    """
    recipe = experiment.training
    weighted = build("loss", LOSSES, experiment.loss, [10] * 2).is_weighted
    if weighted and recipe.sampler == "class_balanced" and not recipe.allow_double_balancing:
        raise ConfigError(
            f"training.sampler=class_balanced beside the weighted loss {experiment.loss['name']!r} balances classes "
            f"twice; choose one of them, or set training.allow_double_balancing=true if it is meant"
        )


def claim_output(experiment: Experiment, output: Path, *, resume: bool) -> None:
    """Make the output folder and write config.json into it; one that holds no more than that is free.

    Raises:
        UserError: it holds something and resume was not asked for, or the experiment there is another one.
    """
    config = output / "config.json"
    if output.exists() and any(path.name not in ("config.json", "schema.json") for path in output.iterdir()):
        if not resume:
            raise UserError(f"{output} is not empty; give another --output, or --resume to go on with what is there")
        if not config.exists() or json.loads(config.read_text()) != experiment.to_json():
            raise UserError(f"{output} holds another experiment than this one; give another --output")
    output.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps(experiment.to_json(), indent=2) + "\n")
