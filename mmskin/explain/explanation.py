"""What an explanation holds, and the ways in which it is read: JSON, a page, a folder of both, a notebook."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from mmskin.explain.fields import FieldValues
from mmskin.explain.photo_map import PhotoMap
from mmskin.explain.shares import PartShares
from mmskin.explain.what_if import Change, smallest_flip
from mmskin.explain.words import WordValues
from mmskin.report.explanation_figures import explanation_figures
from mmskin.report.explanation_page import page
from mmskin.report.explanation_sentences import sentences
from mmskin.report.metric_figures import png


@dataclass(frozen=True)
class Explanation:
    """Why a model answers a case as it does. Every value is in points of the calibrated probability of one class.

    target: the class that is explained; titles: what classes are called.
    probabilities: by class, most likely first. nothing: by class, before anything is known of the case.
    used, missing, remarks, note: as `Prediction` has them.
    shares: of photo, words and fields. words, fields: None where the model reads none or the case has none.
    changes: the answer under every other value of every field.
    photo, photo_map: the first photo, and where in it the evidence for the class lies; None where there is none.
    reminder: that this is no diagnosis.
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
    photo: Image.Image | None
    photo_map: PhotoMap | None
    reminder: str

    @property
    def top(self) -> str:
        return next(iter(self.probabilities))

    @cached_property
    def heatmap(self) -> Image.Image | None:
        """The photo with its map laid over it."""
        return None if self.photo is None or self.photo_map is None else self.photo_map.over(self.photo)

    @property
    def smallest_flip(self) -> Change | None:
        return smallest_flip(self.changes)

    def sentences(self) -> list[str]:
        """What there is to say, the most important first."""
        return sentences(self)

    def to_json(self) -> dict[str, Any]:
        """Plain values without the pictures; None where there is no number to give."""
        flip = self.smallest_flip
        content = {
            "target": self.target,
            "sentences": self.sentences(),
            "probabilities": dict(self.probabilities),
            "nothing": dict(self.nothing),
            "used": list(self.used),
            "missing": list(self.missing),
            "remarks": list(self.remarks),
            "note": self.note,
            "shares": asdict(self.shares),
            "words": None if self.words is None else asdict(self.words),
            "fields": None if self.fields is None else asdict(self.fields),
            "smallest_flip": None if flip is None else asdict(flip),
            "changes": [asdict(change) for change in self.changes],
            "reminder": self.reminder,
        }
        return dict(_plain(content))

    def page(self) -> str:
        """One HTML file that needs nothing else."""
        return page(self)

    def write(self, folder: Path) -> Path:
        """Write explanation.json, explanation.html and the figures as PNG; the folder is made. Returns the page."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
        (folder / "explanation.json").write_text(text + "\n", encoding="utf-8")
        for name, figure in explanation_figures(self).items():
            (folder / f"{name}.png").write_bytes(png(figure))
        if self.heatmap is not None:
            self.heatmap.save(folder / "heatmap.png")
        (folder / "explanation.html").write_text(self.page(), encoding="utf-8")
        return folder / "explanation.html"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that neither its style nor a patient's words reach the notebook."""
        return f'<iframe sandbox srcdoc="{html.escape(self.page())}" style="width:100%;height:48rem;border:0"></iframe>'


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
