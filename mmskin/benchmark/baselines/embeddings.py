"""Photos and notes as vectors of frozen encoders, read from the feature store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from mmskin.benchmark.baselines.table_arm_contract import CORRUPTED
from mmskin.config.experiment import Slot
from mmskin.data.load import Fold
from mmskin.encoders.encoder_contract import Encoder
from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import Floats
from mmskin.features import Features
from mmskin.inputs.batch import Row, stack_rows
from mmskin.inputs.corrupted_reader import corrupted_reader
from mmskin.inputs.dataset import CaseDataset
from mmskin.model.feature_extraction import keep_features
from mmskin.training.fit_fold import fold_slots
from mmskin.training.readings import Reading, is_frozen, make_reader
from mmskin.training.shared_encoders import shared_encoder


class Embed:
    """(modality, rows) → (N, D), the pooled vectors of the plain view, the mean over the photos of a case.

    encoders: slots by modality.
    fold: whose encoders and fields are used.
    reading: how photos and notes are read.
    """

    def __init__(self, encoders: Mapping[str, Slot], fold: Fold, reading: Reading) -> None:
        self.slots = fold_slots(encoders, fold=fold.number, seed=reading.seed)
        self.schema, self.reading = fold.schema, reading

    def __call__(self, modality: str, rows: pd.DataFrame) -> Floats:
        """Rows of NaN where the modality is absent. Photos of rows with a column `CORRUPTED` are encoded anew.

        Raises:
            ConfigError: the encoder learns, so that it has no embeddings before an arm has trained it.
        """
        encoder = shared_encoder(modality, self.slots[modality], self.schema)
        if not is_frozen(encoder):
            raise ConfigError(f"table arms read frozen embeddings: set encoders.{modality}.trainable to none")
        reader = make_reader(modality, self.reading, self.schema, encoder, tokens=False)
        if CORRUPTED in rows:
            reader = corrupted_reader(reader, rows[CORRUPTED].iloc[0])
        dataset = CaseDataset([rows], self.schema, {modality: reader})
        keep_features(reader, encoder, [dataset])
        nothing = np.full(encoder.out_dim, np.nan)
        found = []
        for index in range(len(dataset)):
            vectors = [_pooled(row, encoder) for row in dataset[index].rows[modality]]
            found.append(np.mean(vectors, axis=0) if vectors else nothing)
        return np.array(found, dtype=np.float64)


@torch.inference_mode()
def _pooled(row: Row, encoder: Encoder) -> Floats:
    """(D,) of one photo or note: as it is stored, or encoded now."""
    encoder.eval()
    pooled = row.pooled if isinstance(row, Features) else encoder(stack_rows([row])).pooled[0]
    return np.asarray(pooled.double().numpy())
