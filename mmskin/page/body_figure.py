"""A drawing of the body, front and back, on which the site of a lesion can be pointed at.

Its regions are named by what is there; a data set's words are each one or several of them. What cannot be pointed at,
such as "palms/soles", is in the list alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mmskin.schema import Field

HEAD = ("scalp", "face", "nose", "mouth", "ear")
FACE = ("face", "nose", "mouth")
TRUNK = ("chest", "abdomen", "back", "buttocks")
ARM = ("upper arm", "forearm", "hand")
LEG = ("thigh", "lower leg", "foot")

# A data set's word, in small letters without "or" and strokes, and where on the body it is.
WORDS: Mapping[str, tuple[str, ...]] = {
    **{region: (region,) for region in (*HEAD, *TRUNK, *ARM, *LEG, "neck", "genitals")},
    **dict.fromkeys(("head neck", "head neck face"), (*HEAD, "neck")),
    "head": HEAD,
    "face": FACE,
    **dict.fromkeys(("lip", "lips"), ("mouth",)),
    **dict.fromkeys(("trunk", "torso"), TRUNK),
    "anterior torso": ("chest", "abdomen"),
    "posterior torso": ("back", "buttocks"),
    **dict.fromkeys(("arm", "upper extremity", "upper limb", "upper limbs"), ARM),
    **dict.fromkeys(("leg", "lower extremity", "lower limb", "lower limbs"), LEG),
    "acral": ("hand", "foot"),
    **dict.fromkeys(("genital", "genital areas"), ("genitals",)),
    **dict.fromkeys(("oral genital", "mouth genitals"), ("mouth", "genitals")),
}


class Shape(NamedTuple):
    """path: of the left half or the middle, in units of the drawing. mirrored: whether there is one on the right."""

    region: str
    path: str
    mirrored: bool = False


class Drawing(NamedTuple):
    """title: in words. place: SVG transform."""

    title: str
    place: str
    shapes: tuple[Shape, ...]


_SCALP = Shape("scalp", "M36.3 13A13 16 0 0 1 59.7 13Z")
_FACE = Shape("face", "M36.3 14A13 16 0 1 0 59.7 14Z")
_EARS = Shape("ear", "M34.5 15A3 5 0 0 0 34.5 25Z", mirrored=True)
_NECK = Shape("neck", "M42 37H54V44H42Z")
_FRONT_OF_HEAD = (
    _EARS,
    _SCALP,
    _FACE,
    Shape("nose", "M48 17L52 25H44Z"),
    Shape("mouth", "M42.5 29.5A5.5 2.3 0 1 0 53.5 29.5A5.5 2.3 0 1 0 42.5 29.5Z"),
    _NECK,
)
_LIMBS = (
    Shape("upper arm", "M29.5 46L27 77L17.5 75L22 51Q24 46.5 29.5 46Z", mirrored=True),
    Shape("forearm", "M26.8 78.5L20.5 106L12 104L17.2 76.5Z", mirrored=True),
    Shape("hand", "M20.2 107.5Q20 121 14 123Q8.5 121 11.6 105.5Z", mirrored=True),
    Shape("thigh", "M31 116L47 119L46.5 149H34.5Z", mirrored=True),
    Shape("lower leg", "M34.6 150.5H46.4L44.5 180H36.5Z", mirrored=True),
    Shape("foot", "M36.3 181.5H44.7L46 190H31Z", mirrored=True),
)
_FRONT = (
    Shape("chest", "M30.5 49Q31 45.5 35 45.5H61Q65 45.5 65.5 49L64 74H32Z"),
    Shape("abdomen", "M32.1 75.5H63.9L64 100H32Z"),
    Shape("genitals", "M32 101.5H64L65 114.5L48.5 117.5H47.5L31 114.5Z"),
)
_BACK = (
    Shape("scalp", "M35 20A13 16 0 1 1 61 20A13 16 0 1 1 35 20Z"),
    _NECK,
    Shape("back", "M30.5 49Q31 45.5 35 45.5H61Q65 45.5 65.5 49L64 96H32Z"),
    Shape("buttocks", "M32 97.5H64L65 114.5L48.5 117.5H47.5L31 114.5Z"),
)
FRONT = Drawing("front", "", (*_FRONT_OF_HEAD, *_FRONT, *_LIMBS))
BACK = Drawing("back", "translate(92 0)", (*_BACK, *_LIMBS))
CLOSE = Drawing("head", "translate(115 14) scale(2.4)", _FRONT_OF_HEAD)  # where parts of a face are told apart


def drawings(choices: Mapping[str, str]) -> tuple[Drawing, ...]:
    """Front and back, and the head from near where the choices by region tell parts of the face apart."""
    fine = {choices.get(region) for region in FACE}
    return (FRONT, BACK, CLOSE) if len(fine) > 1 else (FRONT, BACK)


def site_field(fields: Iterable[Field]) -> tuple[Field, dict[str, str]] | None:
    """The field that tells the site, and of each region of the drawing the choice that fits it best.

    It is the first categorical field most of whose choices are places on the body; None if there is none.
    """
    for field in fields:
        places = {choice: WORDS[said] for choice in field.choices if (said := _plain(choice)) in WORDS}
        if len(places) > 1 and 2 * len(places) >= len(field.choices):
            return field, _finest(places)
    return None


def _finest(places: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Of each region the choice that covers the fewest others."""
    finest: dict[str, str] = {}
    for choice, regions in sorted(places.items(), key=lambda item: -len(item[1])):
        finest |= dict.fromkeys(regions, choice)
    return finest


def _plain(choice: str) -> str:
    return " ".join(word for word in re.split(r"[^a-z]+", choice.lower()) if word not in ("", "or", "and"))
