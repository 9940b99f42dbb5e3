"""The cases of a split as data sets, each modality read from disk or, behind a frozen encoder, from stored features."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmskin.config.build import build
from mmskin.config.experiment import Experiment
from mmskin.data.missingness import equalize
from mmskin.data.splits import Split
from mmskin.encoders.encoder_contract import Encoder
from mmskin.features import is_photo
from mmskin.inputs.augment import Augment
from mmskin.inputs.dataset import CaseDataset, Hiding
from mmskin.inputs.feature_store import StoredNotes, StoredPhotos, open_store
from mmskin.inputs.readers import ColumnsReader, NoteReader, PhotoReader, Reader
from mmskin.model.classifier import MultimodalClassifier
from mmskin.model.feature_extraction import fingerprint, keep_features
from mmskin.schema import Schema


def make_datasets(
    experiment: Experiment, split: Split, schema: Schema, model: MultimodalClassifier
) -> tuple[CaseDataset, CaseDataset, CaseDataset]:
    """Training, validation and test cases; frozen encoders are run here, once, for all that the training will read."""
    readers = {
        modality: make_reader(modality, experiment, schema, encoder, tokens=modality in model.fusion.needs_tokens)
        for modality, encoder in model.encoders.items()
    }
    datasets = case_datasets(experiment, split, schema, readers)
    for modality, reader in readers.items():
        keep_features(reader, model.encoders[modality], datasets)
    return datasets


def case_datasets(
    experiment: Experiment, split: Split, schema: Schema, readers: Mapping[str, Reader]
) -> tuple[CaseDataset, CaseDataset, CaseDataset]:
    """Training, validation and test cases as these readers give them; nothing is read yet."""
    recipe = experiment.training
    hiding = Hiding(fields=recipe.field_dropout, history=recipe.history_dropout, image=recipe.image_dropout)
    blind = experiment.data.missingness == "equalized"
    views = range(min(recipe.views, recipe.epochs))  # epoch e reads view e mod K
    tables = [
        equalize(split.train, schema, seed=experiment.seed, view=view) if blind else split.train for view in views
    ]
    return (
        CaseDataset(tables, schema, readers, hiding=hiding, seed=experiment.seed),
        CaseDataset([split.val], schema, readers),
        CaseDataset([split.test], schema, readers),
    )


def make_reader(modality: str, experiment: Experiment, schema: Schema, encoder: Encoder, *, tokens: bool) -> Reader:
    """Reads a modality from disk for an encoder that learns, and from the feature store for one that is frozen.

    Args:
        modality: image, text or metadata.
        experiment: says how photos and notes are varied, and where features are kept.
        schema: what the model may see.
        encoder: of that modality.
        tokens: whether a stored row has its tokens, not the pooled vector alone.
    """
    recipe = experiment.training
    reader: PhotoReader | NoteReader
    if is_photo(modality):
        augment = None if recipe.augment is None else make_augment(recipe.augment)
        side = experiment.data.photo_side
        reader = PhotoReader(modality, encoder.prepare, augment=augment, max_side=side, keep=4096, seed=experiment.seed)
    elif modality == "text":
        reader = NoteReader(encoder.prepare, schema, vary=recipe.vary_notes, seed=experiment.seed)
    else:
        return ColumnsReader(encoder.prepare)
    if not is_frozen(encoder):
        return reader
    name = fingerprint(encoder, extra=str(experiment.data.photo_side))
    store = open_store(Path(experiment.features) / name, tokens=tokens)
    return StoredPhotos(store, reader) if isinstance(reader, PhotoReader) else StoredNotes(store, reader)


def make_augment(options: Mapping[str, Any]) -> Augment:
    """The augmentation from its options in a config."""
    return build("augment", {"augment": Augment}, {"name": "augment", **options})


def is_frozen(encoder: Encoder) -> bool:
    """Whether no parameter learns, so that its outputs can be kept."""
    return not any(parameter.requires_grad for parameter in encoder.parameters())
