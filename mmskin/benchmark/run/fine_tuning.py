"""Encoders fine-tuned in the run: before any features are computed, once a modality and fold, and frozen afterwards.

The encoder of a fold learns with the first seed, as the only one of its experiment: what `mmskin train` makes of the
same sections. Then it is read frozen by all arms of that fold, table arms too, and by all seeds. So seeds show how much
hangs on what is trained on top of an encoder; what hangs on its own fine-tuning they do not show. Histories are hidden
and fields left out as the data section of the benchmark says, whatever the arms that read the encoder do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mmskin.benchmark.arms import reading_of, reads
from mmskin.benchmark.benchmark_config import Benchmark, Tunable
from mmskin.benchmark.run.cell import one_thread
from mmskin.benchmark.run.grid import replace
from mmskin.config.build import build
from mmskin.config.experiment import Experiment
from mmskin.data.load import Fold
from mmskin.errors import ConfigError
from mmskin.fusion import FUSIONS
from mmskin.model.classifier import build_encoder
from mmskin.schema import Schema
from mmskin.training.datasets import is_frozen
from mmskin.training.run import fit_fold, refuse_double_balancing


class TuningTask(NamedTuple):
    """One encoder on one fold, and the folder that takes its model."""

    modality: Tunable
    experiment: Experiment
    fold: Fold
    folder: Path

    @property
    def is_finished(self) -> bool:
        return (self.folder / "cost.json").exists()


def tuning_tasks(benchmark: Benchmark, folds: Iterable[Fold], output: Path) -> list[TuningTask]:
    """One task for every encoder and fold, finished ones too."""
    return [
        TuningTask(modality, tuning_of(benchmark, modality), fold, tuning_folder(output, modality, str(fold.number)))
        for modality in benchmark.fine_tune
        for fold in folds
    ]


def tuning_folder(output: Path, modality: Tunable, fold: str) -> Path:
    return output / "encoders" / modality / f"fold_{fold}"


def tuning_of(benchmark: Benchmark, modality: Tunable) -> Experiment:
    """The experiment in which a shared encoder learns."""
    tuning = benchmark.fine_tune[modality]
    slot = benchmark.encoders[modality] | tuning.encoder
    alone = reading_of(benchmark, modality, slot, data=benchmark.data, seed=benchmark.seeds[0])
    return alone.model_copy(update={"fusion": alone.fusion | tuning.fusion, "training": tuning.training})


def fine_tune(task: TuningTask) -> None:
    """Train on the training rows of the fold, leave the model and the log, and cost.json last.

    One that was stopped goes on from its checkpoint if its recipe keeps one; its cost is then that of the last stretch.
    """
    with one_thread():
        start, cpu = time.perf_counter(), time.process_time()
        fitted = fit_fold(task.experiment, task.fold, task.folder, progress=False)
    cost = {
        "encoder": task.modality,
        "fold": task.fold.number,
        "seed": task.experiment.seed,
        "fit_seconds": time.perf_counter() - start,
        "fit_cpu_seconds": time.process_time() - cpu,
        "parameters": sum(p.numel() for p in fitted.model.parameters() if p.requires_grad),
    }
    replace(task.folder / "cost.json", json.dumps(cost) + "\n")


def with_tuned_encoders(benchmark: Benchmark, output: Path) -> Benchmark:
    """The benchmark as its arms read it: in place of a shared encoder the one tuned on their fold, frozen."""
    root = Path(str(output).replace("{", "{{").replace("}", "}}"))  # {fold} alone is filled in, see `fold_slots`
    tuned = {
        modality: benchmark.encoders[modality] | {"weights": str(tuning_folder(root, modality, "{fold}") / "model")}
        for modality in benchmark.fine_tune
    }
    return benchmark.model_copy(update={"encoders": benchmark.encoders | tuned})


def check_fine_tuning(benchmark: Benchmark, schema: Schema) -> None:
    """Refuse, before hours of training, an encoder that can't be tuned so, or whose tensors no arm could read.

    Raises:
        ConfigError: names the modality.
    """
    for modality in benchmark.fine_tune:
        try:
            _check(benchmark, modality, schema)
        except ConfigError as error:
            raise ConfigError(f"fine_tune.{modality}: {error}") from None


def _check(benchmark: Benchmark, modality: Tunable, schema: Schema) -> None:
    shared = [name for name, arm in benchmark.arms.items() if modality not in arm.encoders]
    if not any(modality in reads(benchmark, name).modalities for name in shared):
        raise ConfigError(f"no arm reads encoders.{modality}; leave it out")
    experiment = tuning_of(benchmark, modality)
    refuse_double_balancing(experiment)
    empty = {"weights": "none"}  # quick, and refused where an encoder could not be given the tuned ones
    learning = build_encoder(modality, experiment.encoders[modality] | empty, schema)
    build("fusion", FUSIONS, experiment.fusion, {modality: learning.out_dim}, len(schema.classes))
    if is_frozen(learning):
        raise ConfigError("nothing of the encoder learns; set encoder.trainable to all, or a number of stages")
    frozen = build_encoder(modality, benchmark.encoders[modality] | empty, schema)
    ours, theirs = ({name: t.shape for name, t in encoder.state_dict().items()} for encoder in (learning, frozen))
    if ours != theirs:
        raise ConfigError("the options of encoder make another model of it, of which the arms cannot read the weights")


def fine_tuning_note(benchmark: Benchmark) -> list[str]:
    """What a reader of the report has to know of it; [] where nothing is tuned."""
    if not benchmark.fine_tune:
        return []
    named = " and ".join(benchmark.fine_tune)
    return [
        f"Fine-tuned in this run, once a fold on its training rows, with seed {benchmark.seeds[0]}: {named}. All arms "
        f"and seeds of a fold read the same frozen encoder, so seeds do not show what hangs on its fine-tuning."
    ]
