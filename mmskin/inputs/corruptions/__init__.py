"""Faults of photos as clinics take them, each at five severities: what a trained model is shown to see what it loses.

Blur, noise, JPEG and light are after ImageNet-C (Hendrycks & Dietterich, *Benchmarking neural network robustness to
common corruptions and perturbations*, ICLR 2019); hair, ruler, ink, a cut-off lesion and a printed date are those of
photos of skin, where ink and rulers are known to move answers (Winkler et al., *JAMA Dermatology* 2019). They are
levels of a simulation, chosen by eye on real photos so that severity 5 still shows a lesion: no measured shares of any
clinic.

A fault is drawn from a seed of the case and the fault, never of the severity: a higher severity is the same fault, more
of it. Lengths are shares of the shorter side of the photo, so that a fault looks alike at every size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmskin.data.seeds import view_seed
from mmskin.inputs.corruptions.camera import (
    blur,
    bright,
    colour_cast,
    crop,
    dark,
    jpeg,
    motion_blur,
    noise,
    vignette,
)
from mmskin.inputs.corruptions.foreign_objects import date_stamp, hair, pen, ruler
from mmskin.synthetic.texture import Plane

Pixels = NDArray[np.uint8]
Corrupt = Callable[[Plane, float, np.random.Generator], Plane]
"""(photo (H, W, 3) in [0, 1], level, what is drawn) → photo of the same size, of any range: it is clipped."""
Levels = tuple[float, float, float, float, float]
SEVERITIES = (1, 2, 3, 4, 5)


class Fault(NamedTuple):
    """What happens to a photo, and how much at severity 1 to 5; the unit is that of the function."""

    corrupt: Corrupt
    levels: Levels


CORRUPTIONS: Mapping[str, Fault] = {
    "blur": Fault(blur, (0.007, 0.012, 0.017, 0.023, 0.03)),
    "motion_blur": Fault(motion_blur, (0.025, 0.05, 0.075, 0.1, 0.13)),
    "noise": Fault(noise, (0.03, 0.06, 0.1, 0.14, 0.18)),
    "jpeg": Fault(jpeg, (35, 25, 18, 14, 9)),
    "dark": Fault(dark, (0.8, 0.65, 0.52, 0.42, 0.33)),
    "bright": Fault(bright, (1.1, 1.2, 1.3, 1.42, 1.55)),
    "colour_cast": Fault(colour_cast, (0.08, 0.16, 0.24, 0.33, 0.42)),
    "vignette": Fault(vignette, (0.4, 0.6, 0.75, 0.87, 0.97)),
    "crop": Fault(crop, (0.15, 0.3, 0.5, 0.7, 0.9)),
    "hair": Fault(hair, (4, 9, 16, 25, 36)),
    "ruler": Fault(ruler, (0.07, 0.11, 0.16, 0.21, 0.27)),
    "pen": Fault(pen, (3, 6, 9, 12, 16)),
    "date_stamp": Fault(date_stamp, (0.05, 0.075, 0.1, 0.13, 0.16)),
}
"""By name, as configs have it."""


class Corruption(NamedTuple):
    """A fault of `CORRUPTIONS` at a severity, 1 to 5."""

    name: str
    severity: int


def corrupt(photo: Pixels, corruption: Corruption, *, case_id: str, place: int = 0) -> Pixels:
    """The photo with a fault.

    Args:
        photo: (H, W, 3), RGB.
        corruption: which, and how much.
        case_id: of the case; with the name of the fault the seed of what is drawn.
        place: of the photo among those of its kind in the case.

    Returns:
        (H, W, 3) uint8, new memory.
    """
    fault = CORRUPTIONS[corruption.name]
    level = fault.levels[SEVERITIES.index(corruption.severity)]
    rng = np.random.default_rng(view_seed(case_id, f"{corruption.name} {place}", 0))
    plane = fault.corrupt(np.asarray(photo, dtype=np.float32) / np.float32(255), level, rng)
    return np.asarray(np.rint(np.clip(plane, 0, 1) * 255), dtype=np.uint8)
