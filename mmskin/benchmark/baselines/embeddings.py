"""Photos and notes as vectors of frozen encoders, read from the feature store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mmskin.config.experiment import Experiment
from mmskin.data.load import Fold
from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import Floats
from mmskin.features import Features
from mmskin.inputs.dataset import CaseDataset
from mmskin.model.feature_extraction import keep_features
from mmskin.training.datasets import is_frozen, make_reader
from mmskin.training.run import fold_slots
from mmskin.training.shared_encoders import shared_encoder


class Embed:
    """(modality, rows) → (N, D), the pooled vectors of the plain view, the mean over the photos of a case.

    readings: by modality, the experiment that says how it is read; see `arms.reading_of`.
    fold: whose encoders and fields are used.
    """

    def __init__(self, readings: Mapping[str, Experiment], fold: Fold) -> None:
        self.readings, self.fold = readings, fold

    def __call__(self, modality: str, rows: pd.DataFrame) -> Floats:
        """Rows of NaN where the modality is absent.

        Raises:
            ConfigError: the encoder learns, so that it has no embeddings before an arm has trained it.
        """
        experiment, schema = self.readings[modality], self.fold.schema
        encoder = shared_encoder(modality, fold_slots(experiment, self.fold)[modality], schema)
        if not is_frozen(encoder):
            raise ConfigError(f"table arms read frozen embeddings: set encoders.{modality}.trainable to none")
        reader = make_reader(modality, experiment, schema, encoder, tokens=False)
        dataset = CaseDataset([rows], schema, {modality: reader})
        keep_features(reader, encoder, [dataset])
        nothing = np.full(encoder.out_dim, np.nan)
        found = []
        for index in range(len(dataset)):
            stored = [row for row in dataset[index].rows[modality] if isinstance(row, Features)]
            vectors = [row.pooled.double().numpy() for row in stored]
            found.append(np.mean(vectors, axis=0) if vectors else nothing)
        return np.array(found, dtype=np.float64)
