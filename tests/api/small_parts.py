"""Encoders and recipes of seconds."""

from __future__ import annotations

from typing import Any

TINY: dict[str, Any] = {
    "image": {"name": "timm", "model": "test_efficientnet", "image_size": 32, "trainable": "none"},
    "text": {"name": "hashing", "dim": 16, "buckets": 256},
    "metadata": {"name": "tokens", "dim": 8},
}
BRIEF = {"epochs": 1, "batch_size": 8}
FAST: dict[str, Any] = {"encoders": TINY, "training": BRIEF, "photo_side": 32, "say": None}
ONE_CELL: dict[str, Any] = {**FAST, "folds": 3, "test_folds": [0], "seeds": 1, "replicates": 100}
