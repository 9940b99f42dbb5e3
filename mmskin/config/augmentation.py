"""Photo augmentation by one word: `training.augment: none | light | strong`, beside the options one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmskin.errors import one_of

PRESETS: dict[str, dict[str, Any] | None] = {
    "none": None,
    # The defaults of `mmskin.inputs.augment.Augment`, which `augment: {}` has always been.
    "light": {
        "flip": True,
        "rotation_degrees": 45.0,
        "zoom": 0.3,
        "shift": 0.08,
        "brightness": 0.15,
        "contrast": 0.15,
        "saturation": 0.15,
        "hue": 0.02,
        "blur": 0.2,
        "erase": 0.2,
    },
    # Every angle, about twice the range of everything else. A guess, not tuned.
    "strong": {
        "flip": True,
        "rotation_degrees": 180.0,
        "zoom": 0.6,
        "shift": 0.15,
        "brightness": 0.3,
        "contrast": 0.3,
        "saturation": 0.3,
        "hue": 0.03,
        "blur": 0.4,
        "erase": 0.4,
    },
}
"""Options of `mmskin.inputs.augment.Augment` by the word for them."""


def augmentation_options(given: object) -> object:
    """What stands under `augment`, a word replaced by the options it stands for, so that a record holds the numbers.

    Raises:
        ValueError: a word that stands for none.
    """
    if not isinstance(given, str):
        return given
    if given == "colour_constancy":
        raise ValueError(
            "colour constancy is no augmentation, for it is done to every photo that is answered too: set "
            "colour: shades_of_gray in the slot of the photo's encoder"
        )
    if given not in PRESETS:
        raise ValueError(one_of("augmentation", given, PRESETS))
    options = PRESETS[given]
    return dict(options) if isinstance(options, Mapping) else None
