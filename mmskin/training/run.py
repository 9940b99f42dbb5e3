"""From an experiment to predictions, fold by fold: the main path of mmskin, top to bottom."""

from __future__ import annotations

import json
import logging
import multiprocessing
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch.utils.data import DataLoader

from mmskin.build import build
from mmskin.config import Experiment
from mmskin.data.augment import Augment
from mmskin.data.batch import collate
from mmskin.data.dataset import PLAIN_VIEW, CaseDataset, EpochSampler, Hiding, Reader
from mmskin.data.missingness import equalize, fully_recorded, input_schema
from mmskin.data.readers import ColumnsReader, NoteReader, PhotoReader
from mmskin.data.sources import SOURCES
from mmskin.data.splits import Split, make_folds, read_folds, split_by_fold
from mmskin.data.table import Cases, check_table, histories
from mmskin.encoders.contract import Encoder
from mmskin.errors import ConfigError, UserError
from mmskin.evaluation.calibration import fit_temperature
from mmskin.evaluation.predictions import read_predictions, write_predictions
from mmskin.features import FeatureStore, StoredNotes, StoredPhotos, extract, fingerprint
from mmskin.inference import predict_probabilities, temper
from mmskin.losses.contract import Loss
from mmskin.model import MultimodalClassifier, build_model
from mmskin.saved_model import TrainedModel, remove_model, save_model
from mmskin.schema import Schema
from mmskin.training.checkpoint import AtomicCheckpointIO, KeepLast
from mmskin.training.memory import keep_freed_memory
from mmskin.training.optimisation import Recipe
from mmskin.training.task import ClassificationTask

Say = Callable[[str], None]


class Fold(NamedTuple):
    """One fold of an experiment: which cases do what, and what of them the model may see."""

    number: int
    split: Split
    schema: Schema


def run_experiment(
    experiment: Experiment, output: Path, *, resume: bool = False, jobs: int = 1, say: Say = print, progress: bool = True
) -> pd.DataFrame:
    """Train and test on every fold asked for.

    Writes config.json, predictions.parquet and fold_<k>/{model, predictions.parquet, log}.

    Args:
        resume: go on in a folder where the same experiment was stopped.
        jobs: folds trained at the same time, each in a process of its own.
        say: told what happens, a line at a time.
        progress: show bars.

    Returns:
        The predictions table: validation and test rows of every fold.

    Raises:
        UserError: bad input, or an output folder that holds another experiment.
    """
    refuse_double_balancing(experiment)
    claim_output(experiment, output, resume=resume)
    cases = load_cases(experiment)
    folds = folds_of(experiment, cases)
    numbers = sorted(set(folds)) if experiment.data.test_folds == "all" else experiment.data.test_folds
    places = {number: output / f"fold_{number}" / "predictions.parquet" for number in numbers}
    waiting = []
    for number, place in places.items():
        fold = prepare_fold(experiment, cases, folds, number)
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
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            for done in [pool.submit(run_cell, *cell) for cell in waiting]:
                done.result()
    table = pd.concat([read_predictions(place) for place in places.values()], ignore_index=True)
    write_predictions(table, output / "predictions.parquet")
    return table


def run_cell(experiment: Experiment, fold: Fold, place: Path, progress: bool) -> None:
    """One fold in this process, its predictions written last."""
    keep_freed_memory()
    if experiment.training.threads:
        torch.set_num_threads(experiment.training.threads)
    write_predictions(run_fold(experiment, fold, place.parent, progress=progress), place)


def run_fold(experiment: Experiment, fold: Fold, folder: Path, *, progress: bool = True) -> pd.DataFrame:
    """Train on one fold, calibrate on its validation rows, save the model, predict validation and test rows."""
    folder.mkdir(parents=True, exist_ok=True)
    lightning.seed_everything(experiment.seed + 1000 * fold.number, workers=True, verbose=False)
    train = fold.split.train
    counts = [int((train.target == name).sum()) for name in fold.schema.classes]
    model, loss = build_model(
        fold_slots(experiment, fold), experiment.fusion, experiment.loss, schema=fold.schema, class_counts=counts,
        balanced_sampler=experiment.training.sampler == "class_balanced",
    )
    fit_encoders(model, train, fold.schema)
    if experiment.training.channels_last:
        model.to(memory_format=torch.channels_last)
    train_data, val_data, test_data = make_datasets(experiment, fold, model)
    fit(model, loss, train_data, val_data, experiment, folder, progress=progress)
    val_probs = predict_probabilities(model, loss, val_data)
    temperature = fit_temperature(val_probs, np.asarray(val_data.targets))
    if experiment.training.save_model:
        config = saved_config(experiment, fold, counts, temperature)
        remove_model(folder / "model")
        save_model(TrainedModel(model, loss, fold.schema, config), folder / "model")
    parts = [("val", fold.split.val, val_probs), ("test", fold.split.test, predict_probabilities(model, loss, test_data))]
    tables = [
        predictions_table(part, temper(probs, temperature), experiment, fold, name) for name, part, probs in parts
    ]
    return pd.concat(tables, ignore_index=True)


def read_source(experiment: Experiment) -> Cases:
    """The table of cases as the source gives it, checked."""
    return check_table(build("source", SOURCES, experiment.data.source).load(experiment.data.root))


def load_cases(experiment: Experiment) -> Cases:
    """The table of cases of an experiment, checked; cases without a label are left out."""
    cases = read_source(experiment)
    table = cases.table[cases.table.target.notna()].reset_index(drop=True)
    return cases._replace(table=table.assign(group_fully_recorded=_yes_no(fully_recorded(table, cases.schema))))


def folds_of(experiment: Experiment, cases: Cases) -> pd.Series[int]:
    """Fold of every case, read from a file or made."""
    folds = experiment.data.folds
    if isinstance(folds, int):
        return make_folds(cases.table, k=folds, seed=experiment.data.fold_seed)
    return read_folds(Path(folds), cases.table, unknown="ignore")


def prepare_fold(experiment: Experiment, cases: Cases, folds: pd.Series[int], number: int) -> Fold:
    """Split by fold, and narrow the schema to what the model may see.

    Raises:
        ConfigError: a fold number that does not exist.
    """
    if number not in set(folds):
        raise ConfigError(f"data.test_folds names fold {number}, however the folds are {sorted(set(folds))}")
    split = split_by_fold(cases.table, folds, test_fold=number, classes=cases.schema.classes)
    data = experiment.data
    return Fold(number, split, input_schema(cases.schema, split.train, mode=data.missingness, fields=data.fields))


def fold_slots(experiment: Experiment, fold: Fold) -> dict[str, dict[str, Any]]:
    """Encoder slots with {fold} and {seed} filled in, so that a fold can start from its own fine-tuned encoder."""
    known = {"fold": fold.number, "seed": experiment.seed}
    return {
        modality: {key: value.format(**known) if isinstance(value, str) else value for key, value in slot.items()}
        for modality, slot in experiment.encoders.items()
    }


def fit_encoders(model: MultimodalClassifier, train: pd.DataFrame, schema: Schema) -> None:
    """What encoders learn from the table, they learn from training rows."""
    told = histories(train, schema)
    for encoder in model.encoders.values():
        encoder.fit(told)


def make_datasets(
    experiment: Experiment, fold: Fold, model: MultimodalClassifier
) -> tuple[CaseDataset, CaseDataset, CaseDataset]:
    """Training, validation and test cases; frozen encoders are run here, once, for all that the training will read."""
    recipe = experiment.training
    readers = {modality: make_reader(modality, experiment, fold, model) for modality in model.encoders}
    hiding = Hiding(fields=recipe.field_dropout, history=recipe.history_dropout, image=recipe.image_dropout)
    blind = experiment.data.missingness == "equalized"
    views = range(recipe.views)
    train = fold.split.train
    tables = [equalize(train, fold.schema, seed=experiment.seed, view=view) if blind else train for view in views]
    datasets = (
        CaseDataset(tables, fold.schema, readers, hiding=hiding, seed=experiment.seed),
        CaseDataset([fold.split.val], fold.schema, readers),
        CaseDataset([fold.split.test], fold.schema, readers),
    )
    for modality, reader in readers.items():
        if isinstance(reader, StoredPhotos | StoredNotes):
            wanted: dict[str, Any] = {}
            for dataset in datasets:
                wanted |= reader.wanted(dataset.views_of_cases())
            tokens = modality in model.fusion.needs_tokens
            extract(reader.store, model.encoders[modality], wanted, tokens=tokens, bf16=modality == "image")
    return datasets


def make_reader(modality: str, experiment: Experiment, fold: Fold, model: MultimodalClassifier) -> Reader:
    """Reads a modality from disk for an encoder that learns, and from the feature store for one that is frozen."""
    recipe, encoder = experiment.training, model.encoders[modality]
    if modality == "metadata":
        return ColumnsReader(encoder.prepare)
    reader: PhotoReader | NoteReader
    if modality == "image":
        augment = None if recipe.augment is None else make_augment(recipe.augment)
        reader = PhotoReader(
            encoder.prepare, augment=augment, max_side=experiment.data.photo_side, keep=4096, seed=experiment.seed
        )
    else:
        reader = NoteReader(encoder.prepare, fold.schema, vary=recipe.vary_notes, seed=experiment.seed)
    if not is_frozen(encoder):
        return reader
    tokens = modality in model.fusion.needs_tokens
    name = fingerprint(encoder, tokens=tokens, extra=str(experiment.data.photo_side))
    store = FeatureStore(Path(experiment.features) / name)
    return StoredPhotos(store, reader) if isinstance(reader, PhotoReader) else StoredNotes(store, reader)


def make_augment(options: Mapping[str, Any]) -> Augment:
    return build("augment", {"augment": Augment}, {"name": "augment", **options})


def is_frozen(encoder: Encoder) -> bool:
    return not any(parameter.requires_grad for parameter in encoder.parameters())


def fit(
    model: MultimodalClassifier,
    loss: Loss,
    train: CaseDataset,
    val: CaseDataset,
    experiment: Experiment,
    folder: Path,
    *,
    progress: bool,
) -> None:
    """Run Lightning; a checkpoint of an interrupted run in the folder is gone on from."""
    recipe = experiment.training
    task = ClassificationTask(
        model,
        loss,
        recipe=Recipe(recipe.learning_rate, recipe.encoder_learning_rate, recipe.weight_decay, recipe.warmup),
        branch_weight=recipe.branch_weight,
        seed=experiment.seed,
    )
    checkpoint = folder / "last.ckpt"
    callbacks: list[lightning.Callback] = [KeepLast(checkpoint)]
    if recipe.early_stopping:
        callbacks.append(EarlyStopping("val_log_loss", patience=recipe.early_stopping))
    if progress:
        callbacks.append(RichProgressBar(leave=False))
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator="auto",
        devices=1,
        precision="bf16-mixed" if recipe.precision == "bf16" else "32-true",
        gradient_clip_val=recipe.clip_norm,
        callbacks=callbacks,
        logger=make_logger(recipe.logger, folder),
        plugins=[AtomicCheckpointIO()],
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )
    sampler = EpochSampler(train.targets, balanced=recipe.sampler == "class_balanced", seed=experiment.seed)
    loader = DataLoader(
        train, recipe.batch_size, sampler=sampler, collate_fn=collate, num_workers=recipe.workers, drop_last=True,
        persistent_workers=recipe.workers > 0,
    )
    val_loader = DataLoader(val, recipe.batch_size, collate_fn=collate)
    with warnings.catch_warnings():
        # Zero workers are meant: cached features need none, and two cores are busy with the model.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # Frozen encoders are in eval mode on purpose.
        warnings.filterwarnings("ignore", message=".*in eval mode at the start of training.*")
        # Lightning 2.6.6 with torch 2.15, their business.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*")
        try:
            trainer.fit(task, loader, val_loader, ckpt_path=checkpoint if checkpoint.exists() else None)
        except FloatingPointError as error:
            raise UserError(f"training stopped: {error}") from None
    if trainer.interrupted:
        raise KeyboardInterrupt


def make_logger(name: str, folder: Path) -> Logger:
    if name == "csv":
        return CSVLogger(folder, name="log", version="")
    try:
        return TensorBoardLogger(folder, name="log", version="")
    except ModuleNotFoundError:
        raise ConfigError("training.logger=tensorboard needs: pip install 'mmskin[track]'") from None


def predictions_table(
    part: pd.DataFrame, probabilities: np.ndarray[Any, Any], experiment: Experiment, fold: Fold, name: str
) -> pd.DataFrame:
    """Rows of the predictions table for one part of one fold. Cases of which nothing was present are left out."""
    columns: dict[str, Any] = {
        "case_id": part.case_id,
        "patient_id": part.patient_id,
        "fold": fold.number,
        "seed": experiment.seed,
        "arm": experiment.name,
        "split": name,
        "target": part.target,
    }
    columns |= {f"prob_{label}": probabilities[:, code] for code, label in enumerate(fold.schema.classes)}
    groups = [column for column in part.columns if column.startswith("group_")]
    columns |= {column: part[column] for column in groups}
    columns |= {f"group_{column}": part[column] for column in fold.schema.subgroups}
    answered = ~np.isnan(probabilities).any(axis=1)
    return pd.DataFrame(columns)[answered]


def saved_config(experiment: Experiment, fold: Fold, counts: list[int], temperature: float) -> dict[str, Any]:
    """What a saved model remembers of its making."""
    return {
        "encoders": fold_slots(experiment, fold),
        "fusion": experiment.fusion,
        "loss": experiment.loss,
        "class_counts": counts,
        "temperature": temperature,
        "photo_side": experiment.data.photo_side,
        "missingness": experiment.data.missingness,
        "fold": fold.number,
        "experiment": experiment.to_json(),
    }


def refuse_double_balancing(experiment: Experiment) -> None:
    """A class-balanced sampler beside a class-weighted loss balances twice, which has to be asked for twice.

    Raises:
        ConfigError: it was not.
    """
    from mmskin.losses import LOSSES

    recipe = experiment.training
    weighted = build("loss", LOSSES, experiment.loss, [10] * 2).is_weighted
    if weighted and recipe.sampler == "class_balanced" and not recipe.allow_double_balancing:
        raise ConfigError(
            f"training.sampler=class_balanced beside the weighted loss {experiment.loss['name']!r} balances classes "
            f"twice; choose one of them, or set training.allow_double_balancing=true if it is meant"
        )


def claim_output(experiment: Experiment, output: Path, *, resume: bool) -> None:
    """Make the output folder and write config.json into it.

    Raises:
        UserError: it holds something and resume was not asked for, or the experiment there is another one.
    """
    config = output / "config.json"
    if output.exists() and any(output.iterdir()):
        if not resume:
            raise UserError(f"{output} is not empty; give another --output, or --resume to go on with what is there")
        if not config.exists() or json.loads(config.read_text()) != experiment.to_json():
            raise UserError(f"{output} holds another experiment than this one; give another --output")
    output.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps(experiment.to_json(), indent=2) + "\n")


def _yes_no(values: pd.Series[bool]) -> list[str]:
    return ["yes" if value else "no" for value in values]

