"""How each modality of a case is read: photos from disk, the note and the columns from the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from mmskin.data.seeds import view_seed
from mmskin.inputs.augment import Augment
from mmskin.inputs.batch import Row
from mmskin.inputs.dataset import PLAIN_VIEW
from mmskin.inputs.note import render_note
from mmskin.inputs.photos import load_image
from mmskin.schema import History, Schema

Prepare = Callable[[Any], Row]  # of an encoder: one raw input → its tensors


class Photo(NamedTuple):
    """One photo of one view: what has to be read, and how it is varied; None for the plain view."""

    path: str
    variation: int | None


class PhotoReader:
    """Photos of a case, read, augmented by (photo, view), prepared for the encoder.

    Args:
        prepare: the image encoder's.
        augment: applied to views after the plain one; None for never.
        max_side: longest side at which photos are read, pixels.
        keep: number of photos kept in memory as read, the first ones (a 256 px photo takes 0.2 MB).
        seed: of the augmentation.
    """

    def __init__(
        self, prepare: Prepare, *, augment: Augment | None = None, max_side: int = 256, keep: int = 0, seed: int = 0
    ) -> None:
        self.prepare, self.augment, self.seed = prepare, augment, seed
        self.max_side, self.keep = max_side, keep
        self.kept: dict[str, Tensor] = {}

    def photos(self, images: Sequence[str], view: int) -> list[Photo]:
        varied = self.augment is not None and view != PLAIN_VIEW
        return [Photo(path, view_seed(path.rsplit("/", 1)[-1], view, self.seed) if varied else None) for path in images]

    def read(self, photo: Photo) -> Row:
        pixels = self._load(photo.path)
        if photo.variation is not None and self.augment is not None:
            pixels = self.augment(pixels, photo.variation)
        return self.prepare(pixels)

    def _load(self, path: str) -> Tensor:
        if path in self.kept:
            return self.kept[path]
        pixels = load_image(path, max_side=self.max_side)
        if len(self.kept) < self.keep:
            self.kept[path] = pixels
        return pixels

    def __call__(self, case_id: str, images: Sequence[str], history: History, view: int) -> list[Row]:
        return [self.read(photo) for photo in self.photos(images, view)]


class NoteReader:
    """The history as one clinical note, prepared for the text encoder. An empty history gives no row.

    Args:
        prepare: the text encoder's.
        schema: the declaration that words the note.
        vary: tell views after the plain one in another order and other words.
        seed: of that variation.
    """

    def __init__(self, prepare: Prepare, schema: Schema, *, vary: bool = False, seed: int = 0) -> None:
        self.prepare, self.schema, self.vary, self.seed = prepare, schema, vary, seed

    def note(self, case_id: str, history: History, view: int) -> str:
        varied = self.vary and view != PLAIN_VIEW
        rng = np.random.default_rng((view_seed(case_id, view, self.seed), 2)) if varied else None
        return render_note(history, self.schema, rng=rng)

    def __call__(self, case_id: str, images: Sequence[str], history: History, view: int) -> list[Row]:
        note = self.note(case_id, history, view)
        return [self.prepare(note)] if note else []


class ColumnsReader:
    """The fields as typed columns, prepared for the metadata encoder. No field recorded gives no row."""

    def __init__(self, prepare: Prepare) -> None:
        self.prepare = prepare

    def __call__(self, case_id: str, images: Sequence[str], history: History, view: int) -> list[Row]:
        return [self.prepare(history)] if history.recorded() else []
