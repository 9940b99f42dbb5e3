"""One fit by Lightning: trainer, loaders, checkpoint, log, and what its interruptions mean here."""

from __future__ import annotations

import logging
import signal
import warnings
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import EarlyStopping, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch.utils.data import DataLoader

from mmskin.config.experiment import TrainingConfig
from mmskin.errors import ConfigError, UserError
from mmskin.inputs.batch import collate
from mmskin.inputs.dataset import CaseDataset, EpochSampler
from mmskin.losses.loss_contract import Loss
from mmskin.model.classifier import MultimodalClassifier
from mmskin.training.best_epoch import KeepBestEpoch
from mmskin.training.checkpoint import AtomicCheckpointIO, KeepLast
from mmskin.training.optimisation import Recipe
from mmskin.training.snapshots import KeepSnapshots
from mmskin.training.task import ClassificationTask


def fit(
    model: MultimodalClassifier,
    loss: Loss,
    train: CaseDataset,
    val: CaseDataset,
    recipe: TrainingConfig,
    folder: Path,
    *,
    seed: int = 0,
    progress: bool = True,
) -> list[MultimodalClassifier]:
    """Train a model; a checkpoint of an interrupted fit in the folder is gone on from.

    Args:
        model: trained in place.
        loss: of the fused answer and of the branches.
        train: read in the order of `EpochSampler`; a last batch that is not full is left out.
        val: gives what is logged after every epoch, which early stopping and `keep` watch.
        recipe: the training section of the experiment.
        folder: holds last.ckpt while training goes on (if the recipe keeps it), and log.
        seed: of the order of cases and of dropout.
        progress: show bars.

    Returns:
        The model, as it was after the epoch that the recipe keeps; of a recipe with snapshots as it was at the end of
        every cycle.

    Raises:
        UserError: the loss is no finite number.
        KeyboardInterrupt: stopped by the user; the checkpoint stays.
    """
    rates = Recipe(
        recipe.learning_rate,
        recipe.encoder_learning_rate,
        recipe.weight_decay,
        recipe.warmup,
        cycles=recipe.snapshots,
        epochs=recipe.epochs,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
    )
    task = ClassificationTask(model, loss, recipe=rates, branch_weight=recipe.branch_weight, seed=seed)
    checkpoint = folder / "last.ckpt"
    snapshots = KeepSnapshots(model, cycle=recipe.epochs // recipe.snapshots)
    best = KeepBestEpoch(model, by=recipe.keep) if recipe.keep != "last" else None
    callbacks: list[lightning.Callback] = [snapshots] if recipe.snapshots > 1 else [best] if best else []
    if recipe.checkpoint:
        callbacks.append(KeepLast(checkpoint))  # after the snapshots or the best epoch, which it holds
    if recipe.early_stopping:
        callbacks.append(EarlyStopping("val_log_loss", patience=recipe.early_stopping))
    if progress:
        callbacks.append(RichProgressBar(leave=False))
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator=recipe.accelerator,
        devices=recipe.devices,
        precision="bf16-mixed" if recipe.precision == "bf16" else "32-true",
        accumulate_grad_batches=recipe.accumulate,
        gradient_clip_val=recipe.clip_norm,
        callbacks=callbacks,
        logger=make_logger(recipe.logger, folder),
        plugins=[AtomicCheckpointIO()],
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
        num_sanity_val_steps=0,
        limit_val_batches=None if recipe.validate_epochs else 0,
        log_every_n_steps=1,
    )
    loader = DataLoader(
        train,
        min(recipe.batch_size, len(train)),
        sampler=EpochSampler(train.targets, balanced=recipe.sampler == "class_balanced", seed=seed),
        collate_fn=collate,
        num_workers=recipe.workers,
        persistent_workers=recipe.workers > 0,
        drop_last=True,  # batch norm cannot learn from a last batch of one
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
        except SystemExit:
            if not trainer.interrupted:
                raise
            # Lightning answers Ctrl-C by switching SIGINT off and leaving the program.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt from None
    if best:
        best.restore()
    return snapshots.models() if recipe.snapshots > 1 else [model]


def make_logger(name: str, folder: Path) -> Logger:
    """The log of a fit, under log/version_<n>; a resumed one gets the next number.

    Raises:
        ConfigError: a logger that is not installed.
    """
    if name == "csv":
        return CSVLogger(folder, name="log")
    try:
        return TensorBoardLogger(folder, name="log")
    except ModuleNotFoundError:
        raise ConfigError("training.logger=tensorboard needs: pip install 'mmskin[track]'") from None
