"""An experiment of seconds on the fake PAD-UFES-20, to be changed where a test needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmskin.config.experiment import Experiment, parse_experiment

ENCODERS: dict[str, dict[str, Any]] = {
    "image": {"name": "timm", "model": "test_efficientnet", "image_size": 32},
    "text": {"name": "hashing", "dim": 16, "buckets": 256},
    "metadata": {"name": "tokens", "dim": 8},
}


def small_experiment(
    root: Path, *modalities: str, fusion: str = "late", data: dict[str, Any] | None = None, **training: Any
) -> Experiment:
    """Two epochs on fold 0 of 3, photo and note unless other modalities are named."""
    return parse_experiment(
        {
            "name": "small",
            "data": {"source": {"name": "pad_ufes_20"}, "root": str(root), "folds": 3, "test_folds": [0]}
            | {"photo_side": 32, "missingness": "visible"}  # many fields, some empty
            | (data or {}),
            "encoders": {modality: ENCODERS[modality] for modality in modalities or ("image", "text")},
            "fusion": {"name": fusion},
            "training": {"epochs": 2, "batch_size": 4, "channels_last": False} | training,
            "features": str(root.parent / "features"),
        }
    )
