"""Under which licences stands what a model learned from: its training data, and the weights that it began with.

They bind whoever passes a model on. mmskin tells what is stated; it is no legal advice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmskin.encoders.encoder_contract import Encoder
from mmskin.schema import Schema
from mmskin.trained.ensemble import Trained
from mmskin.trained.saved_model import saved_beside

NOT_STATED = "not stated"
NOT_RECORDED = "not recorded: the model was saved before mmskin kept licences"
NON_COMMERCIAL = "non-commercial use only"
_NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)

Licences = dict[str, str]
"""By what it is of, "data: <data set>" or "weights: <modality> <model>", the licence as it is stated."""


def licences_of_training(
    schema: Schema, slots: Mapping[str, Mapping[str, Any]], encoders: Mapping[str, Encoder]
) -> Licences:
    """Of the data set, and of the weights that each encoder began with, random ones aside.

    Weights of a saved model bring all that it learned from.

    Args:
        schema: of the training data.
        slots: of the encoders, by modality.
        encoders: as they were built from their slots.
    """
    licences: Licences = {}
    for modality, encoder in encoders.items():
        if encoder.is_pretrained:
            licences |= _of_weights(modality, slots[modality], encoder)
    return {f"data: {schema.name}": schema.licence or NOT_STATED} | licences


def licences_of(trained: Trained) -> Licences:
    """Those of a model, or of all models behind an answer; of a model without a record what its schema states."""
    licences: Licences = {}
    for model in trained.models:
        licences |= _recorded(model.record, model.schema)
    return licences


def licence_lines(licences: Mapping[str, str]) -> list[str]:
    """A line each; a licence that forbids commercial use says so in plain words."""
    return [f"{of}: {licence}{_in_words(licence)}" for of, licence in licences.items()]


def is_non_commercial(licence: str) -> bool:
    """Whether a licence is stated to forbid commercial use, such as CC BY-NC 4.0."""
    return _NON_COMMERCIAL.search(licence) is not None


def _in_words(licence: str) -> str:
    return f" ({NON_COMMERCIAL})" if is_non_commercial(licence) else ""


def _of_weights(modality: str, slot: Mapping[str, Any], encoder: Encoder) -> Licences:
    beside = saved_beside(slot)
    if "mmskin" in beside:
        folder = Path(str(slot["weights"])).expanduser()
        schema = (folder if folder.is_dir() else folder.parent) / "schema.json"
        return _recorded(beside, Schema.model_validate_json(schema.read_text(encoding="utf-8")))
    if encoder.licensed is not None:
        return {f"weights: {modality} {encoder.licensed.name}": encoder.licensed.licence or NOT_STATED}
    files = [slot[key] for key in ("weights", "model") if key in slot and Path(str(slot[key])).expanduser().exists()]
    return {f"weights: {modality} {slot['name']}": f"{NOT_STATED} ({files[0]})" if files else NOT_STATED}


def _recorded(record: Mapping[str, Any], schema: Schema) -> Licences:
    if "licences" in record:
        return {str(of): str(licence) for of, licence in record["licences"].items()}
    return {f"data: {schema.name}": schema.licence or NOT_STATED, "weights": NOT_RECORDED}
