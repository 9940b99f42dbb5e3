"""How the cases of a fold are read in training: from disk, or behind a frozen encoder from stored features."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from mmskin.config.build import build
from mmskin.config.experiment import Experiment, TrainingConfig
from mmskin.data.missingness import Missingness, as_trained
from mmskin.data.splits import Split
from mmskin.encoders.encoder_contract import Encoder
from mmskin.features import is_photo
from mmskin.inputs.augment import Augment
from mmskin.inputs.dataset import CaseDataset, Hiding
from mmskin.inputs.feature_store import StoredNotes, StoredPhotos, open_store
from mmskin.inputs.photo_variations import PhotoVariations
from mmskin.inputs.readers import ColumnsReader, NoteReader, PhotoReader, Reader
from mmskin.model.feature_extraction import fingerprint
from mmskin.schema import Schema

PHOTOS_IN_MEMORY = 4096


class Reading(NamedTuple):
    """Everything beside the encoder that decides what it is given.

    recipe: views, augmentation, wording of notes, hiding.
    missingness: mode of the fold's schema.
    photo_side: longest side at which photos are read, pixels.
    features: folder in which outputs of frozen encoders are kept.
    seed: of all that is drawn.
    """

    recipe: TrainingConfig
    missingness: Missingness
    photo_side: int
    features: str
    seed: int

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        data = experiment.data
        return cls(experiment.training, data.missingness, data.photo_side, experiment.features, experiment.seed)

    def variations(self) -> PhotoVariations | None:
        """Those of the photos over which an answer is averaged; None without test-time views."""
        recipe = self.recipe
        if recipe.augment is None or recipe.test_views == 1:
            return None
        return PhotoVariations.drawn(make_augment(recipe.augment), views=recipe.test_views, seed=self.seed)


def make_reader(modality: str, reading: Reading, schema: Schema, encoder: Encoder, *, tokens: bool) -> Reader:
    """Reads a modality from disk for an encoder that learns, and from the feature store for one that is frozen.

    Args:
        modality: a photo kind, text or metadata.
        reading: how photos and notes are varied, and where features are kept.
        schema: what the model may see.
        encoder: of that modality.
        tokens: whether a stored row has its tokens, not the pooled vector alone.
    """
    recipe, seed = reading.recipe, reading.seed
    reader: PhotoReader | NoteReader
    if is_photo(modality):
        augment = None if recipe.augment is None else make_augment(recipe.augment)
        reader = PhotoReader(
            modality,
            encoder.prepare,
            augment=augment,
            max_side=reading.photo_side,
            keep=PHOTOS_IN_MEMORY,
            seed=seed,
        )
    elif modality == "text":
        reader = NoteReader(encoder.prepare, schema, vary=recipe.vary_notes, seed=seed)
    else:
        return ColumnsReader(encoder.prepare)
    if not is_frozen(encoder):
        return reader
    name = fingerprint(encoder, extra=str(reading.photo_side))
    store = open_store(Path(reading.features) / name, tokens=tokens)
    return StoredPhotos(store, reader) if isinstance(reader, PhotoReader) else StoredNotes(store, reader)


def training_cases(reading: Reading, split: Split, schema: Schema, readers: Mapping[str, Reader]) -> CaseDataset:
    """The training cases in all views that an epoch reads; nothing is read yet."""
    recipe = reading.recipe
    hiding = Hiding(fields=recipe.field_dropout, history=recipe.history_dropout, image=recipe.image_dropout)
    views = range(min(recipe.views, recipe.epochs))  # epoch e reads view e mod K
    tables = [as_trained(split.train, schema, mode=reading.missingness, seed=reading.seed, view=view) for view in views]
    return CaseDataset(tables, schema, readers, hiding=hiding, seed=reading.seed)


def fold_cases(
    reading: Reading, split: Split, schema: Schema, readers: Mapping[str, Reader]
) -> tuple[CaseDataset, CaseDataset, CaseDataset]:
    """Training, validation and test cases as these readers give them; nothing is read yet."""
    return (
        training_cases(reading, split, schema, readers),
        CaseDataset([split.val], schema, readers),
        CaseDataset([split.test], schema, readers),
    )


def make_augment(options: Mapping[str, Any]) -> Augment:
    """The augmentation from its options in a config."""
    return build("augment", {"augment": Augment}, {"name": "augment", **options})


def is_frozen(encoder: Encoder) -> bool:
    """Whether no parameter learns, so that its outputs can be kept."""
    return not any(parameter.requires_grad for parameter in encoder.parameters())
