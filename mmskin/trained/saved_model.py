"""A trained model on disk: safetensors and JSON, with the sum of every file. Loading runs no code that a file names.

- model.safetensors: every tensor
- config.json: slots of encoders, fusion and loss, and where those that are not mmskin's own come from; photo pooling;
  class counts; temperature; photo side; views at test; what the model remembers of its patients, and its safeguards
  (sorted scores by class, means and covariances; nobody's row); digests of the patients it was trained on; licences of
  data and pretrained weights; the whole experiment
- schema.json: what the model may be told, and its classes
- state.json: statistics fitted on training rows, by modality
- assets/<modality>/: tokenizer and architecture of a text encoder
- manifest.json: SHA-256 of all of these, written last
- map_evidence.json, not in the manifest, where heat maps were measured afterwards: what they are worth, and the
  checksum of the model that was measured

An ensemble is a folder with a model folder for each member (member_0, member_1, …), ensemble.json (temperature,
remarks, and how it was made) and a manifest.json of that and of the members' manifests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

import mmskin
from mmskin.config.parts import Copies, Parts
from mmskin.config.teaching_options import TAUGHT, without_folder
from mmskin.data.patient_digests import Seen
from mmskin.encoders import encoder_table
from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.field_reader import plain_fields
from mmskin.errors import ConfigError, ModelError, first_of
from mmskin.fusion import FUSIONS
from mmskin.inputs.photo_variations import PhotoVariations
from mmskin.losses import LOSSES
from mmskin.model.classifier import build_model
from mmskin.schema import Schema
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.map_evidence import MAP_EVIDENCE, Evidence, map_evidence_of
from mmskin.trained.model_version import CHECKSUM
from mmskin.trained.trained_model import TrainedModel

FORMAT = 3  # 1: before heads began with a norm; 2: before safeguards
ENSEMBLE = "ensemble.json"
FILES = ("config.json", "model.safetensors", "schema.json", "state.json")


def save_model(trained: Trained, folder: Path) -> None:
    """Write a model directory, its manifest last; of an ensemble one with a model directory for each member inside.

    Raises:
        ModelError: the folder holds something already, or a part was given as an instance.
    """
    for model in trained.models:
        origins_of(model.record)
    if folder.exists() and any(folder.iterdir()):
        raise ModelError(f"{folder} is not empty; a model is never written over another: choose a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(trained, Ensemble):
        _save_members(trained, folder)
    else:
        _save_one(trained, folder)


def load_model(folder: Path) -> Trained:
    """Read a model directory, in eval mode.

    Raises:
        ModelError: no model there, a file missing or damaged, made by a newer mmskin, or tensors that do not fit.
    """
    return _load_members(folder) if (folder / ENSEMBLE).exists() else _load_one(folder)


def keep_map_evidence(folder: Path, evidence: Evidence) -> None:
    """Write down what a saved model's heat maps are worth, beside what is known already. The model stays as it is.

    Args:
        folder: of one model.
        evidence: by kind of photo and heat map.

    Raises:
        ModelError: no single model there.
    """
    trained = load_model(folder)
    if isinstance(trained, Ensemble):
        raise ModelError(f"{folder} holds several models, whose maps are averaged: name one of them")
    known = map_evidence_of(trained)
    kept = {kind: {**known.get(kind, {}), **evidence.get(kind, {})} for kind in {*known, *evidence}}
    maps = {kind: {name: one.model_dump(mode="json") for name, one in of.items()} for kind, of in kept.items()}
    place = folder / f"{MAP_EVIDENCE}.json"
    begun = place.with_suffix(".begun")
    _write_json(begun, {CHECKSUM: trained.record[CHECKSUM], "maps": maps})
    begun.replace(place)


def patients_seen(slot: Mapping[str, Any]) -> Seen:
    """On whom an encoder was trained whose `weights` are a saved model's; {} for others, or where it is not known."""
    return dict(saved_beside(slot).get("trained_on", {}))


def saved_beside(slot: Mapping[str, Any]) -> dict[str, Any]:
    """The config.json beside the `weights` of an encoder's slot, that of a saved model or a library's; {} for none."""
    weights = slot.get("weights")
    path = Path(str(weights)).expanduser() if weights else None
    config = None if path is None else (path if path.is_dir() else path.parent) / "config.json"
    if config is None or not config.is_file():
        return {}
    content = json.loads(config.read_text(encoding="utf-8"))
    return dict(content) if isinstance(content, Mapping) else {}


def _save_members(ensemble: Ensemble, folder: Path) -> None:
    names = [f"member_{number}" for number in range(len(ensemble.members))]
    for name, member in zip(names, ensemble.members, strict=True):
        save_model(member, folder / name)
    content = {
        "members": names,
        "temperature": ensemble.temperature,
        "remarks": list(ensemble.remarks),
        "record": _without_checksum(ensemble.record),
        "format": FORMAT,
        "mmskin": mmskin.__version__,
    }
    _write_json(folder / ENSEMBLE, content)
    _sign(folder, [folder / ENSEMBLE, *(folder / name / "manifest.json" for name in names)])


def _load_members(folder: Path) -> Ensemble:
    _verify(folder, (ENSEMBLE,))
    content: dict[str, Any] = json.loads((folder / ENSEMBLE).read_text(encoding="utf-8"))
    _refuse_newer(content, folder)
    try:
        members = tuple(load_model(folder / name) for name in content["members"])
        record = content["record"] | {CHECKSUM: _checksum(folder)}
        return Ensemble(members, float(content["temperature"]), record, tuple(content["remarks"]))
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{folder} does not fit this mmskin ({mmskin.__version__}): {error}") from error


def _save_one(trained: TrainedModel, folder: Path) -> None:
    encoders = {}
    for modality, encoder in trained.model.encoders.items():
        place = f"assets/{modality}"
        encoder.save_assets(folder / place)
        slot = trained.record["encoders"][modality] | encoder.rebuild_options(place)
        encoders[modality] = slot | _taught(slot, encoder)
    state = {modality: encoder.state_json() for modality, encoder in trained.model.encoders.items()}
    config = {
        **_without_checksum(trained.record),
        "encoders": encoders,
        "temperature": trained.temperature,
        "photo_side": trained.photo_side,
        "variations": None if trained.variations is None else trained.variations.to_json(),
        "parts": origins_of(trained.record),
        "channels_last": [name for name, encoder in trained.model.encoders.items() if _is_channels_last(encoder)],
        "format": FORMAT,
        "mmskin": mmskin.__version__,
    }
    _write_json(folder / "config.json", config)
    _write_json(folder / "schema.json", trained.schema.to_json())
    _write_json(folder / "state.json", state)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in trained.model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    _sign(folder, sorted(path for path in folder.rglob("*") if path.is_file()))


def _load_one(folder: Path) -> TrainedModel:
    _verify(folder, FILES)
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    _refuse_newer(config, folder)
    _require_parts(config, folder)
    try:
        schema = Schema.model_validate_json((folder / "schema.json").read_text())
        slots = {modality: _located(slot, folder) for modality, slot in config["encoders"].items()}
        model, loss = build_model(
            slots,
            config["fusion"],
            config["loss"],
            schema=schema,
            class_counts=config["class_counts"],
            photo_pooling=config.get("photo_pooling", "mean"),
            experts=config.get("experts"),
            reduce=config.get("reduce"),
        )
        for modality, state in json.loads((folder / "state.json").read_text()).items():
            model.encoders[modality].load_state_json(state)
        model.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
        for modality in config.get("channels_last", []):  # sums in another order end in other digits
            model.encoders[modality].to(memory_format=torch.channels_last)
        temperature, side = float(config["temperature"]), int(config["photo_side"])
        varied = config.get("variations")
        variations = None if varied is None else PhotoVariations.from_json(varied)
        record = config | {CHECKSUM: _checksum(folder)} | _map_evidence(folder)
        trained = TrainedModel(model.eval(), loss, schema, temperature, side, record, variations=variations)
    except (ValidationError, ConfigError, SafetensorError, KeyError, RuntimeError, ValueError, TypeError) as error:
        if config.get("format", 0) < FORMAT:
            raise ModelError(
                f"{folder} has format {config.get('format')}, and this mmskin reads format {FORMAT}: train it again"
            ) from error
        raise ModelError(f"{folder} does not fit this mmskin ({mmskin.__version__}): {error}") from error
    return trained


def _map_evidence(folder: Path) -> dict[str, Any]:
    """What was measured of the maps after the model was saved; {} where nothing was.

    Raises:
        ModelError: it is damaged, or was measured on another model.
    """
    path = folder / f"{MAP_EVIDENCE}.json"
    if not path.is_file():
        return {}
    try:
        content = dict(json.loads(path.read_text(encoding="utf-8")))
        own, maps = content[CHECKSUM] == _checksum(folder), content["maps"]
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{path} is damaged: delete it, and measure again by mmskin explain --check --keep") from None
    if not own:
        raise ModelError(f"{path} was measured on another model: delete it, or copy the whole folder again")
    return {MAP_EVIDENCE: maps}


def _is_channels_last(encoder: nn.Module) -> bool:
    """Whether a kernel lies in memory as a network that learned in `channels_last` has it."""
    kernels = (tensor for tensor in encoder.parameters() if tensor.ndim == 4)
    return any(k.is_contiguous(memory_format=torch.channels_last) and not k.is_contiguous() for k in kernels)


def _refuse_newer(content: Mapping[str, Any], folder: Path) -> None:
    if content.get("format", 0) > FORMAT:
        raise ModelError(
            f"{folder} has format {content['format']} of mmskin {content.get('mmskin')}; "
            f"this is mmskin {mmskin.__version__}, which reads formats up to {FORMAT}: update mmskin"
        )


def origins_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Where the parts of a model come from that are not mmskin's own, "module:name" by slot.

    Raises:
        ModelError: one was given as an instance: nothing says how to build it again.
    """
    origins: dict[str, str] = {}
    for path, (table, name) in parts_of(record).items():
        if isinstance(table.added.get(name), Copies):
            raise ModelError(
                f"{path} {name!r} was given as an instance, and a saved model must say how to build its parts: give "
                f"the class and its options, such as {{'name': {name.partition('@')[0]}, 'option': …}}"
            )
        if origin := table.origin(name):
            origins[path] = origin
    return origins


def parts_of(record: Mapping[str, Any]) -> dict[str, tuple[Parts[Any], str]]:
    """By slot, the table of its part and the part's name."""
    slots: dict[str, tuple[Parts[Any], str]] = {
        f"encoders.{modality}": (encoder_table(modality), slot["name"]) for modality, slot in record["encoders"].items()
    }
    return slots | {"fusion": (FUSIONS, record["fusion"]["name"]), "loss": (LOSSES, record["loss"]["name"])}


def _require_parts(config: Mapping[str, Any], folder: Path) -> None:
    """Refuse a model with parts of somebody else's that nobody has imported.

    Raises:
        ModelError: names the first, and what to import.
    """
    for path, (table, name) in parts_of(config).items():
        origin = config.get("parts", {}).get(path)
        if origin and name not in table:
            module, _, definition = origin.partition(":")
            raise ModelError(
                f"{folder} has a {table.what} {name!r} that is not mmskin's own: import {module} first, in the command "
                f"line by mmskin --plugin {module}; it must register {definition} under that name"
            )


def _taught(slot: Mapping[str, Any], encoder: Encoder) -> dict[str, Any]:
    """What stands for `taught` in a saved model: the fields in place of the folder, since the tensors follow."""
    if TAUGHT not in slot or encoder.field_reader is None:
        return {}
    return {TAUGHT: without_folder(slot[TAUGHT]) | {"fields": plain_fields(encoder.field_reader.fields)}}


def _located(slot: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A slot whose `model` points into the model directory, made absolute."""
    name = str(slot.get("model", ""))
    return dict(slot) | ({"model": str(folder / name)} if name.startswith("assets/") else {})


def _without_checksum(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without the checksum of the folder that it was read from."""
    return {key: value for key, value in record.items() if key != CHECKSUM}


def _checksum(folder: Path) -> str:
    """Of all files of a model: the first digits of its manifest's SHA-256."""
    return _sha256(folder / "manifest.json")[:12]


def _sign(folder: Path, files: Iterable[Path]) -> None:
    """The manifest, written last."""
    _write_json(folder / "manifest.json", {path.relative_to(folder).as_posix(): _sha256(path) for path in files})


def _verify(folder: Path, files: Sequence[str]) -> None:
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise ModelError(f"{folder} is no mmskin model, without manifest.json: give a folder that `mmskin train` made")
    try:
        sums: dict[str, str] = dict(json.loads(manifest.read_text()))
    except (ValueError, TypeError):
        raise ModelError(f"{manifest} is damaged: it holds no sums; copy the folder again") from None
    missing = sorted(name for name in {*files, *sums} if not (folder / name).is_file())
    if missing:
        raise ModelError(f"{folder} lacks {first_of(missing)}: copy the whole folder again")
    damaged = sorted(name for name in {*files, *sums} if _sha256(folder / name) != sums.get(name))
    if damaged:
        raise ModelError(f"{folder} is damaged: {first_of(damaged)} differ from their SHA-256: copy the folder again")


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
