"""What an explanation holds. `mmskin.report.explanation_html` makes a page of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from PIL import Image

from mmskin.explain.fields import FieldValues
from mmskin.explain.photo_map import PhotoMap
from mmskin.explain.shares import PartShares
from mmskin.explain.what_if import Change, smallest_flips
from mmskin.explain.words import WordValues
from mmskin.json_values import plain
from mmskin.reminder import NOT_A_DIAGNOSIS


@dataclass(frozen=True)
class Explanation:
    """Why a model answers a case as it does. Every value is in points of the calibrated probability of one class.

    target: the class that is explained; titles: what classes are called.
    probabilities: by class, most likely first. nothing: by class, before anything is known of the case.
    used, missing, remarks, note: as `Prediction` has them. read: what the free text was read to say, a line a field.
    shares: of photo, words and fields. words, fields: None where the model reads none or the case has none.
    changes: the answer under every other value of every field.
    photos, photo_maps: by kind, the first photo, and where in it the evidence for the class lies; a kind of which
        there is no photo, or whose encoder gives no map, is no key.
    """

    target: str
    titles: Mapping[str, str]
    probabilities: Mapping[str, float]
    nothing: Mapping[str, float]
    used: tuple[str, ...]
    missing: tuple[str, ...]
    remarks: tuple[str, ...]
    note: str
    shares: PartShares
    words: WordValues | None
    fields: FieldValues | None
    changes: tuple[Change, ...]
    photos: Mapping[str, Image.Image] = field(default_factory=dict)
    photo_maps: Mapping[str, PhotoMap] = field(default_factory=dict)
    read: tuple[str, ...] = ()

    @property
    def top(self) -> str:
        return next(iter(self.probabilities))

    def title(self, name: str) -> str:
        """What a class is called."""
        return self.titles.get(name, name)

    @property
    def photo(self) -> Image.Image | None:
        """The photo, of several kinds the first."""
        return next(iter(self.photos.values()), None)

    @property
    def photo_map(self) -> PhotoMap | None:
        """The map of the photo, of several kinds the first that has one."""
        return next(iter(self.photo_maps.values()), None)

    @cached_property
    def heatmaps(self) -> dict[str, Image.Image]:
        """By kind, the photo with its map laid over it."""
        return {kind: found.over(self.photos[kind]) for kind, found in self.photo_maps.items()}

    @property
    def heatmap(self) -> Image.Image | None:
        """The photo with its map laid over it, of several kinds the first that has one."""
        return next(iter(self.heatmaps.values()), None)

    @property
    def flips(self) -> list[Change]:
        """The changes that turn the answer, the smallest first."""
        return smallest_flips(self.changes)

    def to_json(self) -> dict[str, Any]:
        """Plain values without the pictures; None where there is no number to give."""
        flips = self.flips
        content: dict[str, Any] = {
            "target": self.target,
            "probabilities": dict(self.probabilities),
            "nothing": dict(self.nothing),
            "used": list(self.used),
            "missing": list(self.missing),
            "remarks": list(self.remarks),
            "note": self.note,
            "read": list(self.read),
            "shares": asdict(self.shares),
            "words": None if self.words is None else asdict(self.words),
            "fields": None if self.fields is None else asdict(self.fields),
            "smallest_flip": asdict(flips[0]) if flips else None,
            "changes": [asdict(change) for change in self.changes],
            "reminder": NOT_A_DIAGNOSIS,
        }
        return dict(plain(content))
