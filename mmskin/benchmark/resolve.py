"""From a benchmark's lines to its arms: names looked up, shared parts filled in, what cannot go together refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from mmskin.benchmark.arms import NeuralArm, ResolvedArm, TableArm
from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.benchmark_config import DRAWS, FROM, Arm, Benchmark
from mmskin.benchmark.run.grid import cell_folder
from mmskin.benchmark.search.search_config import SearchConfig
from mmskin.config.build import build
from mmskin.config.experiment import DataConfig, Experiment, ExpertsConfig, ReduceConfig, Slot, TrainingConfig
from mmskin.config.teaching_options import TAUGHT
from mmskin.errors import ConfigError, one_of
from mmskin.features import is_photo
from mmskin.fusion import FUSIONS
from mmskin.losses import LOSSES
from mmskin.model.parts_check import takes_experts
from mmskin.training.readings import Reading

ANY_WIDTH = 64 * 720_720
"""A width of which every fusion can make its groups: a multiple of 64 and of all numbers up to 16."""


class Shared(NamedTuple):
    """What all arms are given: the benchmark without its arms."""

    data: DataConfig
    seeds: Sequence[int]
    encoders: Mapping[str, Slot]
    loss: Slot
    photo_pooling: str
    experts: ExpertsConfig | None
    reduce: Mapping[str, ReduceConfig]
    training: TrainingConfig
    test: bool
    features: str
    search: SearchConfig | None

    def of(self, arm: Arm) -> Shared:
        """With what the arm says itself of seeds, missingness and encoders in its place."""
        own = {modality: slot for modality, slot in arm.encoders.items() if FROM not in slot}
        data = self.data.model_copy(update={"missingness": arm.missingness or self.data.missingness})
        return self._replace(data=data, seeds=arm.seeds or self.seeds, encoders={**self.encoders, **own})


def resolve(benchmark: Benchmark, output: Path) -> dict[str, ResolvedArm]:
    """Every arm by name, in the order of the file.

    Args:
        benchmark: as read.
        output: folder of the run, where arms find the encoders that other arms have trained.

    Raises:
        ConfigError: names the arm: a part or an option that does not exist, an encoder that is missing, parts that do
            not go together, arms that read each other.
    """
    resolved: dict[str, ResolvedArm] = {}
    shared = shared_by(benchmark)
    sources = {source for arm in benchmark.arms.values() for source in arm.sources.values()}
    for wave in _waves(benchmark.arms):
        for name in wave:
            try:
                resolved[name] = _resolved(
                    name, benchmark.arms[name], shared, resolved, output, is_source=name in sources
                )
            except ConfigError as error:
                raise ConfigError(f"arms.{name}: {error}") from None
    return {name: resolved[name] for name in benchmark.arms}


def shared_by(benchmark: Benchmark) -> Shared:
    """What its arms are given."""
    sections = {"data", "training", "experts", "reduce", "search"}
    given = benchmark.model_dump(include=set(Shared._fields) - sections)
    return Shared(**given, **{section: getattr(benchmark, section) for section in sections})


def resolve_lone(name: str, arm: Arm, shared: Shared, output: Path) -> ResolvedArm:
    """An arm that reads no other and is read by none; see `resolve`.

    Raises:
        ConfigError: as `resolve`, without the name of the arm.
    """
    return _resolved(name, arm, shared, {}, output, is_source=False)


def _resolved(
    name: str, arm: Arm, shared: Shared, resolved: Mapping[str, ResolvedArm], output: Path, *, is_source: bool
) -> ResolvedArm:
    """resolved: the arms that this one reads. is_source: whether other arms read its encoders, which are then kept."""
    own = shared.of(arm)
    if arm.table is not None:
        return _table_arm(name, arm, arm.table, own, resolved, output)
    return _neural_arm(name, arm, own, resolved, output, is_source=is_source)


def waves(arms: Mapping[str, ResolvedArm]) -> Iterator[list[ResolvedArm]]:
    """The arms in the order in which they can be run: each wave reads only arms of earlier ones."""
    left = dict(arms)
    while left:
        wave = [arm for arm in left.values() if not set(arm.reads) & set(left)]
        yield wave
        left = {name: arm for name, arm in left.items() if arm not in wave}


def _waves(arms: Mapping[str, Arm]) -> Iterator[list[str]]:
    left = {name: {*arm.stacked, *arm.sources.values()} for name, arm in arms.items()}
    while left:
        wave = [name for name, reads in left.items() if not reads & set(left)]
        if not wave:
            raise ConfigError(f"arms.{next(iter(left))}: these arms read each other: {', '.join(left)}")
        yield wave
        left = {name: reads for name, reads in left.items() if name not in wave}


def _neural_arm(
    name: str, arm: Arm, shared: Shared, resolved: Mapping[str, ResolvedArm], output: Path, *, is_source: bool
) -> NeuralArm:
    """is_source: whether other arms read its encoders, which are then kept."""
    seeds = shared.seeds[:1] if arm.shuffle_histories else shared.seeds
    within_reach = dict(shared.encoders)
    for modality, source in arm.sources.items():
        within_reach[modality] = _trained_by(resolved[source], modality, arm.encoders[modality], output, seeds=seeds)
    encoders = _allowed(within_reach, arm.modalities)
    reduces = "reduce" in arm.model_fields_set
    reduce = arm.reduce if reduces else shared.reduce
    modalities, tokens = _read_by(arm.fusion or {}, encoders, reduce)
    recipe = shared.training.model_dump() | arm.training | ({"save_model": True} if is_source else {})
    experiment = Experiment.model_validate(
        {
            "name": name,
            "data": shared.data,
            "encoders": {modality: encoders[modality] for modality in modalities},
            "fusion": arm.fusion,
            "experts": _experts_of(arm, shared),
            "reduce": _reduced(reduce, modalities, is_own=reduces),
            "photo_pooling": shared.photo_pooling,
            "loss": arm.loss or shared.loss,
            "training": recipe,
            "seed": seeds[0],
            "test": shared.test,
            "features": shared.features,
        }
    )
    refuse_double_balancing(experiment)
    sources = {modality: source for modality, source in arm.sources.items() if modality in modalities}
    return NeuralArm(name, experiment, tuple(seeds), tokens, sources, arm.shuffle_histories)


def _reduced(reduce: Mapping[str, ReduceConfig], modalities: Sequence[str], *, is_own: bool) -> dict[str, ReduceConfig]:
    """Shared ones of the modalities that the arm reads; all of its own, which are refused if they are not read."""
    return {modality: of for modality, of in reduce.items() if is_own or modality in (*modalities, "all")}


def _experts_of(arm: Arm, shared: Shared) -> ExpertsConfig | None:
    """Shared experts go to the fusions that can correct some."""
    asked = arm.experts_beside(shared.experts)
    return asked if arm.experts is not None or takes_experts(arm.fusion or {}) else None


def _table_arm(
    name: str, arm: Arm, table: Slot, shared: Shared, resolved: Mapping[str, ResolvedArm], output: Path
) -> TableArm:
    if table["name"] not in BASELINES:
        raise ConfigError(one_of("table arm", table["name"], BASELINES))
    within_reach = dict(shared.encoders)
    for modality, source in arm.sources.items():
        within_reach[modality] = _trained_by(
            resolved[source], modality, arm.encoders[modality], output, seeds=shared.seeds
        )
    embedded = _embedded(table)
    lacking = [modality for modality in embedded if modality not in within_reach]
    if lacking:
        raise ConfigError(f"{lacking[0]} has no encoder; add encoders.{lacking[0]}")
    data, seeds = shared.data, shared.seeds
    sources = {modality: source for modality, source in arm.sources.items() if modality in embedded}
    return TableArm(
        name,
        table,
        data,
        _seeds_of_table(arm, data, [resolved[read] for read in (*arm.stacked, *sources.values())], seeds),
        Reading(shared.training, data.missingness, data.photo_side, shared.features, seed=shared.seeds[0]),
        {modality: within_reach[modality] for modality in embedded},
        tuple(arm.stacked),
        arm.shuffle_histories,
        sources=sources,
        reads_all_seeds=arm.reads_all_seeds,
    )


def _seeds_of_table(arm: Arm, data: DataConfig, read: Sequence[ResolvedArm], seeds: Sequence[int]) -> tuple[int, ...]:
    """The first alone unless something is drawn: by it, hidden histories under `equalized`, or an arm that is read.

    An arm that reads all seeds at once is the same with every seed.
    """
    is_drawn = (arm.table or {}).get("name") in DRAWS
    draws = is_drawn or data.missingness == "equalized" or any(len(over.seeds) > 1 for over in read)
    return tuple(seeds if draws and not arm.shuffle_histories and not arm.reads_all_seeds else seeds[:1])


def _embedded(table: Slot) -> tuple[str, ...]:
    """The modalities of which a table arm reads frozen embeddings."""
    on = table.get("on", table.get("of", []))
    named: list[str] = list(on) if isinstance(on, list) else [str(on)]
    return tuple(modality for modality in named if modality == "text" or (is_photo(modality) and modality != "fields"))


def _trained_by(source: ResolvedArm, modality: str, asked: Slot, output: Path, *, seeds: Sequence[int]) -> Slot:
    """The encoder that another arm has trained on the same fold, frozen; with the same seed, if it has that."""
    if modality not in source.encoders:
        raise ConfigError(f"encoders.{modality}.from: {source.name} reads no {modality}")
    recipe = source.reading(source.seeds[0]).recipe
    if max(recipe.members, recipe.snapshots) > 1:
        raise ConfigError(
            f"encoders.{modality}.from: {source.name} is an ensemble of {max(recipe.members, recipe.snapshots)} models "
            "with an encoder each, and one can be read: take an arm with members and snapshots 1"
        )
    root = Path(str(output).replace("{", "{{").replace("}", "}}"))  # {fold} and {seed} alone are filled in
    seed = "{seed}" if set(seeds) <= set(source.seeds) else str(source.seeds[0])
    weights = cell_folder(root, source.name, "{fold}", seed) / "model"
    own = {key: value for key, value in asked.items() if key != FROM}
    # What it was taught lies in its trained tensors; its reader of fields does not hold for them any more.
    trained = {key: value for key, value in source.encoders[modality].items() if key != TAUGHT}
    return {**trained, **own, "weights": str(weights), "trainable": "none"}


def _allowed(encoders: Mapping[str, Slot], modalities: Sequence[str] | None) -> dict[str, Slot]:
    if modalities is None:
        return dict(encoders)
    for modality in modalities:
        if modality not in encoders:
            raise ConfigError(f"modalities: {one_of('encoder', modality, encoders)}")
    return {modality: slot for modality, slot in encoders.items() if modality in modalities}


def _read_by(
    fusion: Slot, encoders: Mapping[str, Slot], reduce: Mapping[str, ReduceConfig]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The modalities that a fusion reads of those that have an encoder, and those of which it needs tokens."""
    dims = {modality: reduce[modality].dim if modality in reduce else ANY_WIDTH for modality in encoders}
    with torch.device("meta"):  # nothing is allocated: only what the fusion says of itself is asked
        built = build("fusion", FUSIONS, fusion, dims, 2)
    return tuple(modality for modality in encoders if modality in built.modalities), built.needs_tokens


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
