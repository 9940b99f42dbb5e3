"""What an arm's line in a benchmark stands for: a whole experiment, or a table arm and what it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, NoReturn

import torch

from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.baselines.table_arm_contract import Facts
from mmskin.benchmark.benchmark_config import Arm, Benchmark
from mmskin.config.build import build
from mmskin.config.experiment import DataConfig, Experiment, Slot
from mmskin.errors import ConfigError, one_of
from mmskin.features import Modality
from mmskin.fusion import FUSIONS
from mmskin.schema import Schema
from mmskin.training.run import refuse_double_balancing

ANY_WIDTH = 64 * 720_720
"""A width of which every fusion can make its groups: a multiple of 64 and of all numbers up to 16."""


class Reads(NamedTuple):
    """What an arm reads: the modalities it has encoders for, and those of which it needs tokens."""

    modalities: tuple[Modality, ...]
    tokens: tuple[str, ...] = ()


def reads(benchmark: Benchmark, name: str) -> Reads:
    """What the arm of that name reads through encoders.

    Raises:
        ConfigError: its fusion or table arm does not exist, or lacks an encoder.
    """
    arm = benchmark.arms[name]
    encoders = encoders_of(benchmark, arm)
    if arm.table is not None:
        if arm.table["name"] not in BASELINES:
            raise ConfigError(f"arms.{name}: {one_of('table arm', arm.table['name'], BASELINES)}")
        wanted = embedded(arm.table)
        lacking = [modality for modality in wanted if modality not in encoders]
        if lacking:
            raise ConfigError(f"arms.{name}: {lacking[0]} has no encoder; add encoders.{lacking[0]}")
        return Reads(wanted)
    assert arm.fusion is not None
    try:
        with torch.device("meta"):  # nothing is allocated: only what the fusion says of itself is asked
            fusion = build("fusion", FUSIONS, arm.fusion, dict.fromkeys(encoders, ANY_WIDTH), 2)
    except ConfigError as error:
        raise ConfigError(f"arms.{name}: {error}") from None
    return Reads(tuple(m for m in encoders if m in fusion.modalities), fusion.needs_tokens)


def check_arms(benchmark: Benchmark, schema: Schema) -> None:
    """Refuse, before anything is computed, every arm that can be seen to fail.

    Raises:
        ConfigError: names the arm; see `reads`, `experiment_of` and the options of table arms.
    """
    for name, arm in benchmark.arms.items():
        if arm.table is None:
            experiment_of(benchmark, name, seed=benchmark.seeds[0])
            continue
        reads(benchmark, name)
        try:
            build("table arm", BASELINES, arm.table, Facts(schema, embed=_not_yet, answers=_not_yet))
        except ConfigError as error:
            raise ConfigError(f"arms.{name}: {error}") from None


def encoders_of(benchmark: Benchmark, arm: Arm) -> Mapping[Modality, Slot]:
    """The slots within an arm's reach: its own before the shared ones."""
    return {**benchmark.encoders, **arm.encoders}


def data_of(benchmark: Benchmark, arm: Arm) -> DataConfig:
    """The data section as the arm sees it: in its own mode of missingness."""
    if arm.missingness is None:
        return benchmark.data
    return benchmark.data.model_copy(update={"missingness": arm.missingness})


def embedded(table: Slot) -> tuple[Modality, ...]:
    """The modalities of which a table arm reads frozen embeddings."""
    on = table.get("on", [])
    named = on if isinstance(on, list) else [on]
    both: tuple[Modality, ...] = ("image", "text")
    return tuple(modality for modality in both if modality in named)


def experiment_of(benchmark: Benchmark, name: str, *, seed: int) -> Experiment:
    """The whole experiment of a neural arm.

    Raises:
        ConfigError: see `reads`; or its loss and the sampler balance classes twice.
    """
    arm = benchmark.arms[name]
    assert arm.fusion is not None
    encoders = {m: encoders_of(benchmark, arm)[m] for m in reads(benchmark, name).modalities}
    loss = arm.loss or benchmark.loss
    experiment = _experiment(benchmark, name, encoders, arm.fusion, loss, data=data_of(benchmark, arm), seed=seed)
    refuse_double_balancing(experiment)
    return experiment


def reading_of(benchmark: Benchmark, modality: Modality, slot: Slot, *, data: DataConfig, seed: int) -> Experiment:
    """The experiment of one encoder alone: how its photos or notes are read, and where its outputs are kept."""
    fusion = {"name": f"{modality}_only"}
    return _experiment(benchmark, modality, {modality: slot}, fusion, benchmark.loss, data=data, seed=seed)


def _experiment(
    benchmark: Benchmark,
    name: str,
    encoders: Mapping[Modality, Slot],
    fusion: Slot,
    loss: Slot,
    *,
    data: DataConfig,
    seed: int,
) -> Experiment:
    return Experiment(
        name=name,
        data=data,
        encoders=dict(encoders),
        fusion=fusion,
        photo_pooling=benchmark.photo_pooling,
        loss=loss,
        training=benchmark.training,
        seed=seed,
        features=benchmark.features,
    )


def _not_yet(*asked: object) -> NoReturn:
    raise AssertionError("an arm reads nothing before it is fitted")
