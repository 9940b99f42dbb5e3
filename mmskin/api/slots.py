"""What a caller gives for a part, a name, a name with options, a class or an instance, as a slot of a config."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from torch import nn

from mmskin.benchmark.baselines import BASELINES
from mmskin.config.experiment import Slot
from mmskin.config.parts import Copies, Parts, origin_of
from mmskin.encoders import encoder_table
from mmskin.encoders.encoder_contract import Encoder
from mmskin.errors import ConfigError, one_of
from mmskin.fusion import FUSIONS
from mmskin.fusion.fusion_contract import Fusion
from mmskin.losses import LOSSES
from mmskin.losses.loss_contract import Loss
from mmskin.schema import Schema

Given = str | Mapping[str, Any] | type[nn.Module] | nn.Module
"""A name; {"name": a name or a class, option: value, …}; a class; or an instance, of which every fit gets a copy."""
OF_AN_ARM = ("fusion", "table")


def fusion_slot(given: Given, schema: Schema) -> Slot:
    """Raises: ConfigError if it is no fusion, or one for other classes."""
    if isinstance(given, Fusion) and given.num_classes != len(schema.classes):
        raise ConfigError(
            f"fusion {type(given).__name__} was made for {given.num_classes} classes, and the cases have "
            f"{len(schema.classes)}: give num_classes={len(schema.classes)}"
        )
    return _slot("fusion", FUSIONS, Fusion, given)


def loss_slot(given: Given, schema: Schema) -> Slot:
    """Raises: ConfigError if it is no loss, or one for other classes."""
    if isinstance(given, Loss) and len(given.prior()) != len(schema.classes):
        raise ConfigError(
            f"loss {type(given).__name__} was made for {len(given.prior())} classes, and the cases have "
            f"{len(schema.classes)}: give the class counts of these"
        )
    return _slot("loss", LOSSES, Loss, given)


def encoder_slots(given: Mapping[str, Given]) -> dict[str, Slot]:
    """By modality. Raises: ConfigError if one is no encoder."""
    return {m: _slot(f"encoders.{m}", encoder_table(m), Encoder, encoder) for m, encoder in given.items()}


def arm_of(given: Any, schema: Schema) -> tuple[str, dict[str, Any]]:
    """A name and the entries of an arm of a benchmark.

    Args:
        given: a fusion in any way, the name of a table arm, or a whole arm: {"fusion": "late", "training": {…}}.
        schema: of the cases.

    Raises:
        ConfigError: nothing that can be an arm.
    """
    if isinstance(given, str):
        if given in FUSIONS:
            return given, {"fusion": {"name": given}}
        if given in BASELINES:
            return given, {"table": {"name": given}}
        raise ConfigError(one_of("arm", given, [*FUSIONS, *BASELINES]))
    if isinstance(given, Mapping) and set(OF_AN_ARM) & set(given):
        return _whole_arm(given, schema)
    if isinstance(given, Mapping) and isinstance(given.get("name"), str) and given["name"] in BASELINES:
        return given["name"], {"table": dict(given)}
    slot = fusion_slot(given, schema)
    return str(slot["name"]).partition("@")[0], {"fusion": slot}


def _whole_arm(given: Mapping[str, Any], schema: Schema) -> tuple[str, dict[str, Any]]:
    arm = dict(given)
    if "fusion" in arm:
        arm["fusion"] = fusion_slot(arm["fusion"], schema)
    elif isinstance(arm["table"], str):
        arm["table"] = {"name": arm["table"]}
    if arm.get("loss") is not None:
        arm["loss"] = loss_slot(arm["loss"], schema)
    own = arm.get("encoders") or {}
    arm["encoders"] = {m: dict(e) for m, e in own.items() if isinstance(e, Mapping) and "from" in e}
    arm["encoders"] |= encoder_slots({m: e for m, e in own.items() if m not in arm["encoders"]})
    return str((arm.get("fusion") or arm["table"])["name"]).partition("@")[0], arm


def _slot(path: str, table: Parts[Any], contract: type[nn.Module], given: Given) -> Slot:
    if isinstance(given, str):
        return {"name": given}
    if isinstance(given, Mapping):
        if "name" not in given:
            raise ConfigError(f"{path} needs a name, such as {{'name': …}}, however: {dict(given)}")
        return dict(given) | _slot(path, table, contract, given["name"])
    if isinstance(given, type) and issubclass(given, contract):
        return {"name": _registered(table, given)}
    if isinstance(given, contract):
        name = f"{type(given).__name__}@{_digest(given)}"
        table.add(name, Copies(given))
        return {"name": name}
    raise ConfigError(
        f"{path} must be a name, {{'name': …, option: …}}, a class derived from mmskin.{contract.__name__} or an "
        f"instance of one, however: {given!r}"
    )


def _registered(table: Parts[Any], part: type[nn.Module]) -> str:
    """The name that the class has in the table; that of the class itself, if it had none."""
    for name, place in table.places.items():
        if place.where == origin_of(part) and not place.fixed:
            return name
    for name, constructor in table.added.items():
        if constructor is part:
            return name
    table.add(part.__name__, part)
    return part.__name__


def _digest(module: nn.Module) -> str:
    """Eight digits of what an instance is: its parts, plain attributes and tensors."""
    digest = hashlib.sha256(repr(module).encode())
    for part in module.modules():
        plain = {k: v for k, v in vars(part).items() if isinstance(v, str | int | float | bool | tuple | None)}
        digest.update(repr(sorted(plain.items())).encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]
