"""Whether the parts of a benchmark exist, take their options and go together, before torch is imported."""

from __future__ import annotations

from collections.abc import Mapping

from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.benchmark_config import Arm, Benchmark
from mmskin.config.experiment import Slot, TrainingConfig
from mmskin.config.validation import faults_of
from mmskin.encoders import encoder_table
from mmskin.fusion import FUSIONS
from mmskin.losses import LOSSES
from mmskin.model.parts_check import (
    are_experts_already,
    faults_of_data,
    faults_of_slot,
    faults_together,
    refuse,
    takes_experts,
)


def check_benchmark(benchmark: Benchmark, *, reads_data: bool = True) -> None:
    """Refuse, before anything is read or imported, what can be seen to fail.

    Args:
        benchmark: as read.
        reads_data: whether its data section says where the cases are; else they are there already.

    Raises:
        ConfigError: every fault with its dotted path.
    """
    faults = faults_of_data(benchmark.data) if reads_data else []
    for modality, slot in benchmark.encoders.items():
        faults += faults_of_slot(f"encoders.{modality}", encoder_table(modality), slot)
    faults += faults_of_slot("loss", LOSSES, benchmark.loss)
    for name, arm in benchmark.arms.items():
        for modality, slot in _own_encoders(arm).items():
            faults += faults_of_slot(f"arms.{name}.encoders.{modality}", encoder_table(modality), slot)
        faults += faults_of(
            TrainingConfig, {**benchmark.training.model_dump(), **arm.training}, f"arms.{name}.training"
        )
        for part, table in (("fusion", FUSIONS), ("loss", LOSSES), ("table", BASELINES)):
            slot = getattr(arm, part)
            faults += [] if slot is None else faults_of_slot(f"arms.{name}.{part}", table, slot)
    if not faults:
        for name, arm in benchmark.arms.items():
            if arm.fusion is not None:
                encoders = _within_reach(arm, benchmark.encoders, benchmark.arms)
                faults += faults_together(encoders, arm.fusion, where=f"arms.{name}.", shared=True)
                if arm.experts is not None and not takes_experts(arm.fusion):
                    faults.append(f"arms.{name}.{are_experts_already(arm.fusion['name'])}")
    refuse(faults)


def _own_encoders(arm: Arm) -> dict[str, Slot]:
    """Those that the arm describes itself; an encoder of another arm is checked there."""
    return {modality: slot for modality, slot in arm.encoders.items() if modality not in arm.sources}


def _within_reach(arm: Arm, shared: Mapping[str, Slot], arms: Mapping[str, Arm]) -> dict[str, Slot]:
    """By modality, the encoder that the arm would read."""
    sources = {m: _within_reach(arms[source], shared, arms).get(m) for m, source in arm.sources.items()}
    given = {modality: slot for modality, slot in sources.items() if slot is not None}
    encoders = {**shared, **_own_encoders(arm), **given}
    return {m: slot for m, slot in encoders.items() if arm.modalities is None or m in arm.modalities}
