"""Photos for the page of an audit: small, without EXIF, written into the page itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from mmskin.data.table import photos_by_kind
from mmskin.errors import ImageError
from mmskin.inputs.photos import open_rgb
from mmskin.report.pictures import data_url
from mmskin.schema import Schema

SIDE = 128  # pixels of the longer side
SHEET = 16  # photos of a class or skin tone: two rows
SKIN_TONES = ("fitzpatrick", "skin_tone")


class Thumbnail(NamedTuple):
    """A photo for the page; `source` is empty if it cannot be read."""

    source: Markup
    caption: str


class Sheet(NamedTuple):
    """Photos drawn at random from one group."""

    title: str
    photos: list[Thumbnail]


def thumbnail(photo: str, caption: str) -> Thumbnail:
    """The photo at `SIDE` pixels as a data URL."""
    try:
        image = open_rgb(photo, max_side=SIDE).image
    except ImageError:
        return Thumbnail(Markup(""), caption)
    return Thumbnail(data_url(image, side=SIDE), caption)


def contact_sheets(table: pd.DataFrame, schema: Schema, *, seed: int = 0) -> list[Sheet]:
    """Some photos of every class, then of every skin tone, where the table has one; of several kinds each of a case."""
    tones = [(name, sorted(table[name].dropna().unique())) for name in SKIN_TONES if name in table.columns]
    groups = [("target", schema.classes), *tones]
    photos = photos_by_kind(table, schema)
    first = [[of_kind[0] for of_kind in by_kind.values() if of_kind] for by_kind in photos]
    table = table.assign(shown=pd.Series(first, index=table.index, dtype=object))
    cases = SHEET // len(schema.photos)
    return [sheet for column, values in groups for sheet in _sheets(table, column, values, cases=cases, seed=seed)]


def _sheets(table: pd.DataFrame, column: str, values: Sequence[str], *, cases: int, seed: int) -> Iterator[Sheet]:
    rng = np.random.default_rng(seed)
    shown = table[[bool(photos) for photos in table.shown]]
    for value in values:
        rows = shown[shown[column] == value]
        drawn = rows.iloc[np.sort(rng.permutation(len(rows))[:cases])].to_dict("records")
        is_class = column == "target"
        photos = [
            thumbnail(photo, row["case_id"] if is_class else str(row["target"]))
            for row in drawn
            for photo in row["shown"]
        ]
        if photos:
            title = value if is_class else f"{column.replace('_', ' ').capitalize()} {value}"
            yield Sheet(f"{title}: {len(drawn)} of {len(rows):,}", photos)
