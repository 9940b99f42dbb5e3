"""How each modality of a case is read: photos by kind, the note and the columns from the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from mmskin.data.seeds import view_seed
from mmskin.features import Features, is_photo
from mmskin.inputs.augment import Augment
from mmskin.inputs.batch import Case, Row
from mmskin.inputs.corruptions import Corruption, corrupt
from mmskin.inputs.note import render_note
from mmskin.inputs.photos import load_image
from mmskin.schema import History, Schema

PLAIN_VIEW = 0  # the evaluation view: photo as it is, note in its first wording
Prepare = Callable[[Any], Row]  # of an encoder: one raw input → its tensors
Photo = str | Tensor | Features
"""A photo on its way to an encoder: its path, its pixels (3, H, W) uint8, or what the encoder made of it already."""


class RawCase(NamedTuple):
    """A case before any encoder's inputs are made of it.

    photos: by kind; a kind that is missing is no key, or has no photo.
    view: which of its variations; 0 is the plain one.
    """

    case_id: str
    photos: Mapping[str, Sequence[Photo]]
    history: History
    view: int = PLAIN_VIEW


class Reader(Protocol):
    """One modality of a case → its rows; [] if it is absent."""

    def __call__(self, case: RawCase) -> list[Row]: ...


def read_case(readers: Mapping[str, Reader], case: RawCase, *, target: int = -1) -> Case:
    """A case as the model's encoders take it: the only way from photos and history to tensors.

    Args:
        readers: by modality.
        case: what is there.
        target: class index, −1 where it is not known.
    """
    return Case({modality: read(case) for modality, read in readers.items()}, target, case.case_id)


def make_reader(
    modality: str, prepare: Prepare, schema: Schema, *, photo_side: int
) -> PhotoReader | NoteReader | ColumnsReader:
    """The reader of a modality, without variation: what a trained model reads.

    Args:
        modality: a photo kind, text or metadata.
        prepare: its encoder's.
        schema: the declaration that words the note.
        photo_side: longest side at which photos are read, pixels.
    """
    if is_photo(modality):
        return PhotoReader(modality, prepare, max_side=photo_side)
    return NoteReader(prepare, schema) if modality == "text" else ColumnsReader(prepare)


class PhotoView(NamedTuple):
    """One photo of one view.

    path: of its file; "" in memory.
    variation: how it is varied; None for the plain view.
    case_id, place: whose photo it is, and which of its kind: of these a fault is drawn.
    """

    path: str
    variation: int | None
    case_id: str
    place: int


class PhotoReader:
    """The photos of one kind, read, augmented by (photo, view), prepared for the encoder.

    Args:
        kind: of photo.
        prepare: the image encoder's.
        augment: applied to views after the plain one; None for never.
        max_side: longest side at which photos are read, pixels.
        keep: number of photos kept in memory as read, the first ones (a 256 px photo takes 0.2 MB).
        seed: of the augmentation.
    """

    def __init__(
        self,
        kind: str,
        prepare: Prepare,
        *,
        augment: Augment | None = None,
        max_side: int = 256,
        keep: int = 0,
        seed: int = 0,
    ) -> None:
        self.kind, self.prepare, self.augment, self.seed = kind, prepare, augment, seed
        self.max_side, self.keep = max_side, keep
        self.kept: dict[str, Tensor] = {}
        self.variation: int | None = None
        self.corruption: Corruption | None = None

    def corrupted(self, corruption: Corruption) -> PhotoReader:
        """A reader of every photo with a fault, given before any variation; photos in memory are shared with this one.

        What it gives belongs to no feature store, where photos are filed under their bytes. It raises a ValueError
        where features stand in the place of a photo.
        """
        faulty = copy(self)
        faulty.corruption = corruption
        return faulty

    def always(self, augment: Augment, variation: int) -> PhotoReader:
        """A reader of every photo in one variation, whatever the view; photos in memory are shared with this one."""
        varied = copy(self)
        varied.augment, varied.variation = augment, variation
        return varied

    def views(self, case: RawCase) -> list[PhotoView]:
        """The photos of this kind as files, each with its variation."""
        photos = enumerate(case.photos.get(self.kind, ()))
        return [self._view(case, place, photo) for place, photo in photos if isinstance(photo, str)]

    def _view(self, case: RawCase, place: int, path: str) -> PhotoView:
        variation = self.variation
        if variation is None and path and self.augment is not None and case.view != PLAIN_VIEW:
            variation = view_seed(path.rsplit("/", 1)[-1], case.view, self.seed)
        return PhotoView(path, variation, case.case_id, place)

    def read(self, photo: PhotoView) -> Row:
        return self._prepared(self._load(photo.path), photo)

    def _prepared(self, pixels: Tensor, photo: PhotoView) -> Row:
        if self.corruption is not None:
            plain = pixels.permute(1, 2, 0).numpy()
            faulty = corrupt(plain, self.corruption, case_id=photo.case_id, place=photo.place)
            pixels = torch.from_numpy(faulty).permute(2, 0, 1).contiguous()
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

    def __call__(self, case: RawCase) -> list[Row]:
        photos = case.photos.get(self.kind, ())
        if self.corruption is not None and any(isinstance(photo, Features) for photo in photos):
            raise ValueError(f"features of a photo can be given no fault, however: {self.corruption.name}")
        in_memory: list[Row] = [
            photo if isinstance(photo, Features) else self._prepared(photo, self._view(case, place, ""))
            for place, photo in enumerate(photos)
            if not isinstance(photo, str)
        ]
        return [*(self.read(view) for view in self.views(case)), *in_memory]


class NoteReader:
    """The history as one clinical note, prepared for the text encoder. An empty history gives no row.

    Args:
        prepare: the text encoder's.
        schema: the declaration that words the note.
        vary: word views after the plain one in another order and other words.
        seed: of that variation.
    """

    def __init__(self, prepare: Prepare, schema: Schema, *, vary: bool = False, seed: int = 0) -> None:
        self.prepare, self.schema, self.vary, self.seed = prepare, schema, vary, seed

    def note(self, case: RawCase) -> str:
        varied = self.vary and case.view != PLAIN_VIEW
        rng = np.random.default_rng((view_seed(case.case_id, case.view, self.seed), 2)) if varied else None
        return render_note(case.history, self.schema, rng=rng)

    def __call__(self, case: RawCase) -> list[Row]:
        note = self.note(case)
        return [self.prepare(note)] if note else []


class ColumnsReader:
    """The fields as typed columns, prepared for the metadata encoder. No field recorded gives no row."""

    def __init__(self, prepare: Prepare) -> None:
        self.prepare = prepare

    def __call__(self, case: RawCase) -> list[Row]:
        return [self.prepare(case.history)] if case.history.recorded() else []
