"""Where the lesion lies and how it is outlined."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mmskin.synthetic.case import SyntheticCase
from mmskin.synthetic.texture import Plane

Area = tuple[float, float]

AREA: Area = (0.07, 0.20)  # least and largest share of the photo that a lesion fills, of the 5 to 25 % of close-ups
REACH = 1.5  # no outline leaves this many mean radii around its centre


class Shape(NamedTuple):
    """A lesion's outline: (H, W) float32 planes, and floats in pixels.

    depth: distance to the outline along the ray from the centre, positive inside, in pixels.
    relative: distance from the centre over that of the outline, 1 on the outline.
    distance: from the centre, in pixels.
    centre: row and column.
    radius: of the circle of the same area, in pixels.
    """

    depth: Plane
    relative: Plane
    distance: Plane
    centre: tuple[float, float]
    radius: float


def outline(case: SyntheticCase, size: int, *, area: Area = AREA) -> Shape:
    """Lay the lesion into the photo, off centre, wholly inside.

    The centre and the area do not depend on asymmetry and border: only the outline does.
    """
    rng = case.stream("place")
    radius = size * float(np.sqrt(rng.uniform(*area) / np.pi))
    room = max(size / 2 - REACH * radius, 0.06 * size)
    direction = rng.uniform(0, 2 * np.pi)
    offset = rng.uniform(0.5, 1.0) * room
    row, column = size / 2 + offset * np.sin(direction), size / 2 + offset * np.cos(direction)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    distance = np.hypot(y - row, x - column).astype(np.float32)
    angle = np.arctan2(y - row, x - column).astype(np.float32)
    turn = np.linspace(-np.pi, np.pi, 721, dtype=np.float32)
    contour = _contour(case, turn)
    reached = np.minimum(contour * radius / np.sqrt(np.mean(contour**2)), REACH * radius)
    edge = np.interp(angle, turn, reached).astype(np.float32)
    return Shape(edge - distance, distance / edge, distance, (float(row), float(column)), radius)


def _contour(case: SyntheticCase, turn: Plane) -> Plane:
    """Radius by angle, in any unit: a near circle, lobes if asymmetric, teeth if the border is irregular."""
    rng = case.stream("contour")
    phase = rng.uniform(0, 2 * np.pi, size=3)
    tilt = rng.uniform(-0.4, 0.4)
    contour = 1 + 0.03 * np.cos(2 * turn + phase[0]) + 0.015 * np.cos(3 * turn + phase[1])
    if case.has("asymmetry"):
        contour += 0.24 * np.cos(2 * turn + phase[2]) + 0.17 * np.cos(3 * turn + 1.5 * phase[2] + tilt)
    if case.values["border"] == "irregular":
        orders = np.arange(7, 19)
        cosines = np.cos(orders * turn[:, None] + rng.uniform(0, 2 * np.pi, size=len(orders)))
        teeth = cosines @ rng.uniform(0.5, 1.5, size=len(orders))
        contour += 0.095 * teeth / teeth.std()
    return np.asarray(np.clip(contour, 0.4, None), dtype=np.float32)
