"""What lies on the skin or between it and the camera, as shares of each pixel that it covers."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from mmskin.synthetic.texture import Plane

ENLARGED = 3  # drawings are made at so many times the size, for smooth edges
PAPER, PRINT = 0.93, 0.12


def over(below: Plane, above: Plane, alpha: Plane) -> Plane:
    """Lay (H, W, 3) or one colour over a picture, (H, W) alpha in [0, 1]."""
    return np.asarray(below + (above - below) * alpha[..., None], dtype=np.float32)


def blank(size: int) -> Image.Image:
    """Nothing yet, to be drawn on at `ENLARGED` times the size."""
    return Image.new("L", (ENLARGED * size, ENLARGED * size))


def covered(drawn: Image.Image, size: int) -> Plane:
    """(size, size) share of each pixel that a larger drawing covers, in [0, 1]."""
    return np.asarray(np.asarray(drawn.resize((size, size), Image.Resampling.BOX)) / 255, dtype=np.float32)


def hair_cover(rng: np.random.Generator, size: int, *, count: int) -> Plane:
    """(size, size) share of each pixel under hairs that lie about one way; fewer hairs are the first of more."""
    drawn = blank(size)
    pen = ImageDraw.Draw(drawn)
    lie = rng.uniform(0, np.pi)
    along = np.linspace(-0.5, 0.5, 12)
    for _ in range(count):
        angle, length, bend = lie + rng.normal(0, 0.35), rng.uniform(0.35, 0.8), rng.normal(0, 0.35)
        row, column = rng.uniform(0, 1, size=2)
        x = column + length * (along * np.cos(angle) - bend * along**2 * np.sin(angle))
        y = row + length * (along * np.sin(angle) + bend * along**2 * np.cos(angle))
        points = np.stack([x, y], axis=1) * ENLARGED * size
        pen.line([(float(a), float(b)) for a, b in points], fill=255, width=max(2, round(size / 48)), joint="curve")
    return covered(drawn, size)


def ruler_strip(length: int, wide: int, *, first: int, step: int, thick: int) -> Plane:
    """(wide, length, 3): a paper scale with its ticks at row 0, every fifth one long.

    Args:
        length: pixels along the scale.
        wide: pixels across it.
        first: where the first tick begins.
        step: from tick to tick, pixels.
        thick: of a tick, pixels.
    """
    strip = np.full((wide, length, 3), PAPER, np.float32)
    for number, at in enumerate(range(first, length, step)):
        strip[: wide * 2 // 3 if number % 5 == 0 else wide // 3, at : at + thick] = PRINT
    return strip
