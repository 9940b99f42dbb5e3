"""What lies on the skin or is printed into the photo. Photos are (H, W, 3) in [0, 1]; what is drawn covers them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mmskin.synthetic.overlays import ENLARGED, blank, covered, hair_cover, over, ruler_strip
from mmskin.synthetic.texture import Plane

HAIR = (0.15, 0.10, 0.08)
INKS = ((0.36, 0.16, 0.62), (0.16, 0.24, 0.62), (0.14, 0.13, 0.16))  # gentian violet, blue, black: what skin keeps
PRINTED = (1.0, 0.42, 0.08)
TICKS = 26  # of a ruler along the shorter side
DASHES, MARKS = 8, 4  # of the ring around a lesion, and across it

Way = NDArray[np.float64]  # (points, 2): x and y, shares of the shorter side from the middle


def hair(photo: Plane, count: float, rng: np.random.Generator) -> Plane:
    """Dark hairs across skin and lesion; fewer are the first of more."""
    height, width = photo.shape[:2]
    alpha = hair_cover(rng, max(height, width), count=int(count))[:height, :width]
    return over(photo, np.array(HAIR, np.float32), 0.85 * alpha)


def ruler(photo: Plane, share: float, rng: np.random.Generator) -> Plane:
    """A paper scale along a drawn edge, laid over this share of the side that it stands on; a wider one hides more."""
    turns = int(rng.integers(4))
    turned = np.rot90(photo, turns).copy()
    length, shorter = turned.shape[1], min(photo.shape[:2])
    step = max(2, round(shorter / TICKS))
    first = int(rng.integers(step, 3 * step))
    wide = max(1, round(share * len(turned)))
    strip = ruler_strip(length, wide, first=first, step=step, thick=max(1, shorter // 128))
    turned[:wide] = strip[::-1]
    return np.ascontiguousarray(np.rot90(turned, -turns))


def pen(photo: Plane, strokes: float, rng: np.random.Generator) -> Plane:
    """A surgeon's ink: the first strokes of a ring about the middle, of marks across it, of an arrow and a scribble.

    Ink takes light away and lets the skin show through.
    """
    height, width = photo.shape[:2]
    size, shorter = max(height, width), min(height, width)
    ink = np.array(INKS[int(rng.integers(len(INKS)))], np.float32)
    drawn = blank(size)
    tip = ImageDraw.Draw(drawn)
    for _, way in zip(range(int(strokes)), _strokes(rng), strict=False):
        points = (way * shorter + (width / 2, height / 2)) * ENLARGED
        thick = max(3, round(ENLARGED * shorter / 45))
        tip.line([(float(x), float(y)) for x, y in points], fill=255, width=thick, joint="curve")
    alpha = covered(drawn, size)[:height, :width]
    return over(photo, photo * ink, 0.92 * alpha)


def date_stamp(photo: Plane, size: float, rng: np.random.Generator) -> Plane:
    """A date as cameras print it into a lower corner. size: of its digits, a share of the shorter side."""
    height, width = photo.shape[:2]
    shorter = min(height, width)
    year, month, day = (int(rng.integers(low, high)) for low, high in ((8, 27), (1, 13), (1, 29)))
    is_left = bool(rng.random() < 0.3)
    font = ImageFont.load_default(max(4.0, size * shorter * ENLARGED))
    drawn = Image.new("L", (ENLARGED * width, ENLARGED * height))
    margin = 0.04 * shorter * ENLARGED
    corner = (margin if is_left else drawn.width - margin, drawn.height - margin)
    ImageDraw.Draw(drawn).text(
        corner, f"'{year:02} {month:02} {day:02}", fill=255, font=font, anchor="ls" if is_left else "rs"
    )
    alpha = np.asarray(drawn.resize((width, height), Image.Resampling.BOX), dtype=np.float32) * np.float32(0.95 / 255)
    return over(photo, np.array(PRINTED, np.float32), alpha)


def _strokes(rng: np.random.Generator) -> Iterator[Way]:
    """Dashes of a ring, marks across it, an arrow towards the middle, two lines of a scribble: as a hand draws them."""
    start, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.38)
    for number in range(DASHES):
        at = start + 2 * np.pi * (number + np.linspace(0, 0.62, 9)) / DASHES
        yield _ring(at, radius + rng.normal(0, 0.008) + 0.006 * np.sin(3 * at))
    for number in range(MARKS):
        across = start + 2 * np.pi * number / MARKS + rng.normal(0, 0.08)
        yield _ring(np.full(2, across), np.array([radius - 0.07, radius + 0.09]))
    toward = start + rng.uniform(0, 2 * np.pi)
    yield _ring(np.full(2, toward), np.array([0.48, 0.2]))
    yield _ring(toward + np.array([0.28, 0.0, -0.28]), np.array([0.28, 0.2, 0.28]))
    for _ in range(2):
        middle, long = toward + rng.uniform(1, 5), rng.uniform(0.12, 0.2)
        along = np.linspace(-0.5, 0.5, 9)
        bend = 0.03 * np.sin(along * 4 * np.pi)
        yield _ring(np.full(9, middle), 0.3 + bend) + long * along[:, None] * (-np.sin(middle), np.cos(middle))


def _ring(angle: NDArray[np.float64], radius: NDArray[np.float64] | float) -> Way:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
