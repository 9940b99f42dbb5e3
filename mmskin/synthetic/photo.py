"""Draws the photo of a synthetic case: skin, lesion, hair, ruler, pen, light, and the camera's noise.

What the values decide is drawn so that it can be seen at 128 pixels; everything else is chance, with a stream of
its own for each part. A change of one value therefore changes the pixels of that value's part and no others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from mmskin.errors import ConfigError
from mmskin.synthetic.case import SyntheticCase
from mmskin.synthetic.overlays import ENLARGED, blank, covered, hair_cover, over, ruler_strip
from mmskin.synthetic.shape import AREA, REACH, Area, Shape, outline
from mmskin.synthetic.texture import Plane, noise

Colour = tuple[float, float, float]

SKIN: dict[str, Colour] = {
    "light": (0.90, 0.74, 0.66),
    "medium": (0.80, 0.61, 0.49),
    "brown": (0.64, 0.45, 0.34),
    "dark": (0.47, 0.32, 0.24),
}
LIGHT: dict[str, Colour] = {"cool": (0.95, 1.0, 1.06), "neutral": (1.0, 1.0, 1.0), "warm": (1.05, 1.0, 0.91)}
FLUSH = {"face": 0.045, "scalp": 0.01, "trunk": 0.0, "arm": 0.015, "leg": -0.01}  # redness of the site's skin
HAIRS = {"none": 0, "some": 6, "much": 18}

BROWN: Colour = (0.74, 0.56, 0.45)  # a lesion's own colours are shares of the skin's
BLACK: Colour = (0.24, 0.20, 0.22)
BLUE: Colour = (0.46, 0.58, 0.72)
RAW: Colour = (0.66, 0.10, 0.10)
CRUST: Colour = (0.30, 0.08, 0.05)
FLAKE: Colour = (0.96, 0.94, 0.88)
INK: Colour = (0.30, 0.16, 0.52)

ULCER_AT, ULCER_RADIUS = 0.38, 0.40  # of the lesion's mean radius: centre from the lesion's centre, and size


class Photo(NamedTuple):
    """pixels: (H, W, 3) uint8 RGB. mask: (H, W) bool, True inside the lesion's outline."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def render(case: SyntheticCase, *, size: int = 128, area: Area = AREA) -> Photo:
    """Draw the photo of a case.

    Args:
        case: what to draw.
        size: pixels of a side, 96 to 512.
        area: least and largest share of the photo that a lesion fills. Small ones lie farther off the centre.

    Raises:
        ConfigError: a size or an area at which the values could not be seen, or beyond what the drawing is made for.
    """
    check_size(size)
    check_area(area)
    shape = outline(case, size, area=area)
    skin = _skin(case, size)
    picture = _paint_lesion(case, skin, shape)
    picture = _paint_hair(case, picture)
    if case.has("pen"):
        picture = _paint_pen(case, picture, shape)
    if case.has("ruler"):
        picture = _paint_ruler(case, picture, shape)
    picture = picture * _illumination(case, size)[..., None] * np.array(LIGHT[case.values["light"]], np.float32)
    picture = picture + 0.010 * case.stream("camera").standard_normal(picture.shape, dtype=np.float32)
    return Photo((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8), shape.depth > 0)


def check_size(size: int) -> None:
    """Nothing, if photos of this side show what they have to.

    Raises:
        ConfigError: they would not, or would be larger than the textures are made for.
    """
    if not 96 <= size <= 512:
        raise ConfigError(f"size={size} must lie between 96 and 512 pixels; in smaller photos small things are lost")


def check_area(area: Area) -> None:
    """Nothing, if lesions of these shares of the photo can be drawn wholly inside it.

    Raises:
        ConfigError: they can't, or the least is more than the largest.
    """
    if not 0.04 <= area[0] <= area[1] <= 0.25:
        raise ConfigError(f"area={tuple(area)} must be two shares of the photo, 0.04 <= least <= largest <= 0.25")


def _skin(case: SyntheticCase, size: int) -> Plane:
    """(H, W, 3): the tone, mottled, with furrows and pores."""
    rng = case.stream("skin")
    tone = np.array(SKIN[case.values["skin_tone"]], np.float32) * (
        1 + case.stream("tone", of_patient=True).normal(0, 0.02)
    )
    flush = FLUSH[case.values["site"]] + 0.02 * noise(rng, size, cycles=3, octaves=0.8)
    mottle = 0.022 * noise(rng, size, cycles=4, octaves=1.0)
    furrows = 0.05 * _furrows(noise(rng, size, cycles=13, octaves=0.35))
    pores = 0.018 * noise(rng, size, cycles=30, octaves=0.5)
    relief = 1 + mottle - furrows + pores
    redness = np.stack([flush, -0.6 * flush, -0.4 * flush], axis=-1)
    return np.asarray(tone * relief[..., None] * (1 + redness), dtype=np.float32)


def _furrows(plane: Plane) -> Plane:
    """Thin lines where a noise crosses zero, as skin lines cross each other."""
    return np.asarray(np.exp(-((plane / 0.22) ** 2)), dtype=np.float32)


def _paint_lesion(case: SyntheticCase, skin: Plane, shape: Shape) -> Plane:
    size = len(skin)
    rng = case.stream("lesion")
    softness = 0.008 * size * rng.uniform(1.0, 1.8)
    alpha = _step(shape.depth / softness)
    halo = 0.10 * np.exp(-((np.maximum(shape.distance / shape.radius - 1.0, 0) / 0.25) ** 2))
    picture = skin * (1 + halo[..., None] * np.array([0.25, -0.75, -0.55], np.float32))
    grain = 1 + 0.06 * noise(rng, size, cycles=9, octaves=1.0) + 0.04 * noise(rng, size, cycles=24, octaves=0.6)
    depth = rng.uniform(0.92, 1.06) - 0.10 * np.clip(1 - shape.relative, 0, 1)
    body = skin * np.array(BROWN, np.float32) * (grain * depth)[..., None]
    crater = _crater(case, shape)
    body = _paint_colours(case, body, skin, shape, crater)
    if case.has("scale"):
        body = _paint_scale(case, body, shape)
    if case.has("ulcer"):
        body = _paint_ulcer(case, body, crater)
    return over(picture, body, alpha)


def _crater(case: SyntheticCase, shape: Shape) -> Plane:
    """Distance from where an ulcer lies or would lie, over its radius: colours keep out of it in either case."""
    rng = case.stream("crater")
    row, column = shape.centre
    direction = rng.uniform(0, 2 * np.pi)
    away = ULCER_AT * shape.radius
    y, x = np.mgrid[: len(shape.depth), : len(shape.depth)].astype(np.float32)
    spread = np.hypot(y - row - away * np.sin(direction), x - column - away * np.cos(direction))
    ragged = 1 + 0.16 * noise(rng, len(shape.depth), cycles=7, octaves=0.6)
    return np.asarray(spread / (ULCER_RADIUS * shape.radius * np.clip(ragged, 0.6, 1.4)), dtype=np.float32)


def _paint_colours(case: SyntheticCase, body: Plane, skin: Plane, shape: Shape, crater: Plane) -> Plane:
    """One colour is brown; two add blotches of black; three add a blue-grey veil to these."""
    count = ("one", "two", "three").index(case.values["colours"]) + 1
    rng, size = case.stream("blotches"), len(body)
    cloud = noise(rng, size, cycles=5, octaves=0.5) + 0.35 * noise(rng, size, cycles=16, octaves=0.8)
    keep_out = _step((crater - 1) / 0.1)
    inside = (shape.relative < 0.97) & (crater > 1.0)
    low, high = np.quantile(cloud[inside], [0.34, 0.66])
    if count >= 2:
        black = skin * np.array(BLACK, np.float32) * (1 + 0.15 * noise(rng, size, cycles=20, octaves=0.7))[..., None]
        body = over(body, black, 0.95 * _step((cloud - high) / 0.35) * keep_out)
    if count == 3:
        veil = np.array(BLUE, np.float32) * (0.2 * skin + 0.62)
        body = over(body, veil, 0.9 * _step((low - cloud) / 0.35) * keep_out)
    return body


def _paint_scale(case: SyntheticCase, body: Plane, shape: Shape) -> Plane:
    """Pale flakes over a good third of the lesion, each with a thin shadow below."""
    rng, size = case.stream("scale"), len(body)
    patches = 0.9 * noise(rng, size, cycles=5, octaves=0.6)
    flakes = patches + noise(rng, size, cycles=17, octaves=0.5) + 0.5 * noise(rng, size, cycles=34, octaves=0.5)
    level = float(np.quantile(flakes[shape.relative < 0.95], 0.62))
    cover = _step((flakes - level) / 0.5) * _step((0.95 - shape.relative) / 0.04)
    shadow = np.roll(cover, (1, 1), axis=(0, 1))
    body = body * (1 - 0.25 * shadow * (1 - cover))[..., None]
    pale = np.array(FLAKE, np.float32) * (1 + 0.05 * noise(rng, size, cycles=30, octaves=0.6))[..., None]
    return over(body, pale, 0.82 * cover)


def _paint_ulcer(case: SyntheticCase, body: Plane, crater: Plane) -> Plane:
    """A raw red floor inside a dark crust, with wet highlights."""
    rng = case.stream("ulcer")
    mottle = 1 + 0.10 * noise(rng, len(body), cycles=18, octaves=0.6)
    wet = noise(rng, len(body), cycles=22, octaves=0.4)
    body = over(body, np.array(CRUST, np.float32) * mottle[..., None], _step((1.0 - crater) / 0.08))
    body = over(body, np.array(RAW, np.float32) * mottle[..., None], _step((0.78 - crater) / 0.08))
    return over(body, np.array((1.0, 0.85, 0.82), np.float32), 0.7 * _step((wet - 1.7) / 0.2) * (crater < 0.65))


def _paint_hair(case: SyntheticCase, picture: Plane) -> Plane:
    """Thin dark curves across skin and lesion."""
    size, rng = len(picture), case.stream("hair")
    count = HAIRS[case.values["hair"]]
    if not count:
        return picture
    hair = 0.22 * np.array(SKIN[case.values["skin_tone"]], np.float32)
    return over(picture, hair, 0.8 * hair_cover(rng, size, count=count))


def _paint_pen(case: SyntheticCase, picture: Plane, shape: Shape) -> Plane:
    """A surgeon's ink: a broken ring outside of any outline that the lesion could have."""
    size, rng = len(picture), case.stream("pen")
    drawn = blank(size)
    pen = ImageDraw.Draw(drawn)
    row, column = shape.centre
    reach = ENLARGED * (REACH * shape.radius + 0.03 * size)
    box = [ENLARGED * centre + side * reach for side in (-1, 1) for centre in (column, row)]
    start = rng.uniform(0, 360)
    for i in range(6):
        pen.arc(box, start + 60 * i, start + 60 * i + 38, fill=255, width=max(4, round(ENLARGED * size / 48)))
    blotted = np.clip(0.85 + 0.12 * noise(rng, size, cycles=20, octaves=0.6), 0, 1)
    return over(picture, np.array(INK, np.float32), 0.85 * covered(drawn, size) * blotted)


def _paint_ruler(case: SyntheticCase, picture: Plane, shape: Shape) -> Plane:
    """A paper scale with millimetre ticks along the edge that is farthest from the lesion."""
    size, rng = len(picture), case.stream("ruler")
    wide = round(0.09 * size)
    first, step = int(rng.integers(3, 8)), round(size / 26)
    strip = ruler_strip(size, wide, first=first, step=step, thick=max(1, size // 128))
    row, column = shape.centre
    side = int(np.argmax([row, column, size - row, size - column]))  # top, left, bottom, right
    turned = np.rot90(picture, -side).copy()
    turned[:wide] = strip[::-1]
    return np.asarray(np.rot90(turned, side), dtype=np.float32)


def _illumination(case: SyntheticCase, size: int) -> Plane:
    """(H, W) brightness: a gentle slope, and corners a little darker."""
    rng = case.stream("light")
    y, x = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    direction, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.22)
    bright = rng.uniform(0.94, 1.05) + slope * (x * np.cos(direction) + y * np.sin(direction))
    return np.asarray(bright - 0.22 * (x**2 + y**2), dtype=np.float32)


def _step(plane: NDArray[np.floating]) -> Plane:
    """0 to 1 around zero, within about one unit on either side."""
    return np.asarray(np.clip(0.5 + 0.5 * plane, 0, 1), dtype=np.float32)
