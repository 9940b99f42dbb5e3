"""Frozen encoders, built once a process and shared by all cells that it runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch

from mmskin.encoders import encoder_table
from mmskin.encoders.encoder_contract import Encoder
from mmskin.model.classifier import build_encoder
from mmskin.schema import Schema
from mmskin.training.readings import is_frozen

_FROZEN: dict[str, Encoder | None] = {}  # by slot; None for one that learns, which every cell has for itself
_MOST = 8  # kept: a process that runs many folds of fine-tuned encoders would hold them all


def shared_encoder(modality: str, slot: Mapping[str, Any], schema: Schema) -> Encoder:
    """As `build_encoder`, but a frozen encoder of photos or notes is the same object every time.

    Random weights of a frozen encoder are those of seed 0, in every fold, seed and process, and building it leaves the
    caller's random numbers as they were: a cell gets the same answer whether it is the first of its process or not.
    """
    if modality == "metadata":  # it learns its statistics from the training rows of the fold
        return build_encoder(modality, slot, schema)
    part = encoder_table(modality).get(slot["name"])  # one that was defined anew, in a notebook, is another one
    key = json.dumps([modality, slot, id(part)], sort_keys=True, default=str)
    if key not in _FROZEN:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            encoder = build_encoder(modality, slot, schema)
        while len(_FROZEN) >= _MOST:
            del _FROZEN[next(iter(_FROZEN))]
        _FROZEN[key] = encoder if is_frozen(encoder) else None
    return _FROZEN[key] or build_encoder(modality, slot, schema)
