"""Whether the parts of a config exist, take their options and go together: from what they declare, without torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmskin.config.declared import Declared, declared
from mmskin.config.experiment import DataConfig, Experiment
from mmskin.config.teaching_options import TAUGHT, faults_of_taught
from mmskin.config.validation import does_not_exist
from mmskin.data.sources import SOURCES
from mmskin.encoders import TEXT_ENCODERS, encoder_table
from mmskin.errors import ConfigError, one_of
from mmskin.fusion import FUSIONS
from mmskin.fusion.fusion_options import modalities_of, tokens_read
from mmskin.losses import LOSSES

Slot = Mapping[str, Any]
Table = Mapping[str, Callable[..., Any]]


def check_experiment(experiment: Experiment) -> None:
    """Refuse, before anything is read or imported, what can be seen to fail.

    Raises:
        ConfigError: every fault with its dotted path.
    """
    faults = faults_of_data(experiment.data)
    for modality, slot in experiment.encoders.items():
        faults += faults_of_slot(f"encoders.{modality}", encoder_table(modality), slot)
    faults += faults_of_slot("fusion", FUSIONS, experiment.fusion)
    faults += faults_of_slot("loss", LOSSES, experiment.loss)
    refuse(faults or [*_of_experts(experiment), *faults_together(experiment.encoders, experiment.fusion)])


def _of_experts(experiment: Experiment) -> list[str]:
    if experiment.experts is None or takes_experts(experiment.fusion):
        return []
    return [are_experts_already(experiment.fusion["name"])]


def refuse(faults: Sequence[str]) -> None:
    """Raise all faults in one line, if there are any.

    Raises:
        ConfigError: there are.
    """
    if faults:
        raise ConfigError("; ".join(dict.fromkeys(faults)))


def faults_of_data(data: DataConfig) -> list[str]:
    """A source that does not exist or takes other options, and folders that are not there."""
    joined = data.source.get("sources")
    parts = joined.values() if isinstance(joined, Mapping) else ()
    roots = [Path(data.root) / part["root"] for part in parts if isinstance(part, Mapping) and "root" in part]
    absent = [root for root in roots or [Path(data.root)] if not root.is_dir()]
    return [*faults_of_slot("data.source", SOURCES, data.source), *(f"data.root: no such folder: {r}" for r in absent)]


def faults_of_slot(path: str, table: Table, slot: Slot) -> list[str]:
    """A name that no part has, options that it does not take or that are of another type, options that are lacking."""
    if slot.get("name") not in table:
        return [f"{path}.name: {one_of(_what(table, path), slot.get('name'), table)}"]
    part = declared(table, slot["name"])
    faults = [f"{path}.{name} is missing" for name, o in part.options.items() if o.default is None and name not in slot]
    for option, value in slot.items():
        if option == "name":
            continue
        if option == TAUGHT and table is TEXT_ENCODERS:
            faults += faults_of_taught(f"{path}.{TAUGHT}", value)
            continue
        if option not in part.options:
            faults.append(does_not_exist(f"{path}.{option}", [f"{path}.{name}" for name in part.options]))
            continue
        annotation = part.options[option].annotation
        forms = _readings(value) if table is SOURCES else (value,)
        if annotation is not None and not any(annotation.fits(form) for form in forms):
            faults.append(f"{path}.{option} must be {annotation.words()}, however: {value!r}")
    return faults


def _readings(value: object) -> tuple[object, ...]:
    """What a value may mean about a table: itself, a list of one, and numbers as the words that a table holds."""
    alone = [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value
    return value, alone, _in_words(value), _in_words(alone)


def _in_words(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return [_in_words(item) for item in value] if isinstance(value, list) else value


def faults_together(encoders: Mapping[str, Slot], fusion: Slot, *, where: str = "", shared: bool = False) -> list[str]:
    """Why a fusion cannot work with these encoders; each exists and takes its options.

    Args:
        encoders: slot by modality.
        fusion: its slot.
        where: what paths begin with, such as "arms.late.".
        shared: whether there may be encoders that the fusion does not use.
    """
    part = declared(FUSIONS, fusion["name"])
    if "takes" not in part.values:  # of another package, and not telling: it is asked when it is built
        return []
    wanted = fusion.get("modalities", fusion.get("modality"))
    try:
        used = modalities_of(part.values["takes"], encoders, wanted=wanted, fixed="".join(part.fixed))
    except ValueError as error:
        return [f"{where}fusion {fusion['name']!r}: {error}"]
    faults = [] if shared else _unused(encoders, used, fusion["name"])
    for modality in tokens_read(part.values.get("reads_tokens", "none"), used):
        encoder = encoders[modality]["name"]
        if not _gives_tokens(declared(encoder_table(modality), encoder)):
            faults.append(f"{where}{no_tokens(fusion['name'], modality, encoder)}")
    return faults


def are_experts_already(fusion: str) -> str:
    """The sentence for experts beside a fusion that has nothing to add to them."""
    return (
        f"experts: the fusion {fusion!r} is made of experts of one modality each, or is one of them; leave "
        "experts out, or choose a fusion that joins modalities, such as cross_attention"
    )


def takes_experts(fusion: Slot) -> bool:
    """Whether a fusion that exists can correct experts: not one that is made of them, or reads one modality alone.

    One of another package that does not tell is taken to; it is asked when it is built.
    """
    values = declared(FUSIONS, fusion["name"]).values
    return not values.get("needs_posterior", False) and values.get("takes") not in ("one", "photo")


def no_tokens(fusion: str, modality: str, encoder: str) -> str:
    """The sentence for a fusion that reads tokens of an encoder that gives none."""
    table = encoder_table(modality)
    giving = sorted(name for name in table if _gives_tokens(declared(table, name)))
    return (
        f"fusion {fusion!r} reads tokens of {modality}, and its encoder {encoder!r} gives none: "
        f"choose one that does ({', '.join(giving)}), or a fusion that needs no tokens"
    )


def _unused(encoders: Collection[str], used: Sequence[str], fusion: str) -> list[str]:
    return [
        f"encoders.{modality}: the fusion {fusion!r} does not use it; leave it out"
        for modality in encoders
        if modality not in used
    ]


def _gives_tokens(encoder: Declared) -> bool:
    return bool(encoder.values.get("gives_tokens", True))


def _what(table: Table, path: str) -> str:
    return str(getattr(table, "what", path.rpartition(".")[2]))
