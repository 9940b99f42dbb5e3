"""Whether the parts of a benchmark exist, take their options and go together, before torch is imported."""

from __future__ import annotations

from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.benchmark_config import FROM, Benchmark
from mmskin.encoders import encoder_table
from mmskin.fusion import FUSIONS
from mmskin.losses import LOSSES
from mmskin.model.parts_check import faults_of_data, faults_of_slot, faults_together, refuse


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
        for modality, slot in arm.encoders.items():
            if FROM in slot:  # of another arm, where it is checked
                continue
            faults += faults_of_slot(f"arms.{name}.encoders.{modality}", encoder_table(modality), slot)
        for part, table in (("fusion", FUSIONS), ("loss", LOSSES), ("table", BASELINES)):
            slot = getattr(arm, part)
            faults += [] if slot is None else faults_of_slot(f"arms.{name}.{part}", table, slot)
    if not faults:
        for name, arm in benchmark.arms.items():
            if arm.fusion is not None:
                own = {m: slot for m, slot in arm.encoders.items() if FROM not in slot}
                others = {m: benchmark.arms[other].encoders for m, other in arm.sources.items()}
                taken = {m: slots[m] for m, slots in others.items() if m in slots and FROM not in slots[m]}
                encoders = {**benchmark.encoders, **taken, **own}
                encoders = {m: slot for m, slot in encoders.items() if arm.modalities is None or m in arm.modalities}
                faults += faults_together(encoders, arm.fusion, where=f"arms.{name}.", shared=True)
    refuse(faults)
