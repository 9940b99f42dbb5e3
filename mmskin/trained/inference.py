"""A trained model over cases: torch in, numpy out. Here torch ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from mmskin.inputs.batch import collate
from mmskin.inputs.dataset import CaseDataset
from mmskin.losses.loss_contract import Loss
from mmskin.model.classifier import MultimodalClassifier

Predict = Callable[[pd.DataFrame], NDArray[np.float64]]
"""Rows of the table of cases → (N, C) calibrated probabilities; NaN for a case of which nothing is present."""


@torch.inference_mode()
def predict_probabilities(
    model: MultimodalClassifier, loss: Loss, dataset: CaseDataset, *, batch_size: int = 64
) -> NDArray[np.float64]:
    """(N, C) probabilities of the plain view of every case, in order; rows sum to 1.

    A case of which nothing is present is a row of NaN: there is nothing to say.
    """
    model.eval()
    parts = []
    for batch in DataLoader(dataset, batch_size=batch_size, collate_fn=collate):
        probabilities = loss.probabilities(model(batch).logits.double())
        nothing = ~torch.stack(list(batch.present.values())).any(0)
        probabilities[nothing] = torch.nan
        parts.append(probabilities.numpy())
    return np.concatenate(parts)


def temper(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """softmax(log p / T): softer for T > 1, the same for T = 1."""
    logits = np.log(np.clip(probabilities, 1e-12, None)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
