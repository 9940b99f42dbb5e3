"""A clinical note as one vector by a language model that has never seen skin labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.hashing_text import HashingTextEncoder
from mmskin.encoders.transformers_text import TransformersTextEncoder
from mmskin.errors import ModelError
from mmskin.features import Features
from mmskin.inputs.batch import stack_rows

_BATCH = 64


def note_embedder() -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """A function notes → (N, D) that computes each note once, however often it is asked for.

    MiniLM from the pip package; a hashing encoder of random weights where that is not installed.
    """
    encoder = _encoder().eval()
    known: dict[str, NDArray[np.float64]] = {}

    def embed(notes: Sequence[str]) -> NDArray[np.float64]:
        new = sorted(set(notes) - set(known), key=lambda note: (len(note), note))  # like lengths together: less padding
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            known.update(zip(batch, _pooled(encoder, batch), strict=True))
        return np.stack([known[note] for note in notes])

    return embed


def _encoder() -> Encoder:
    try:
        return TransformersTextEncoder(model="package", trainable="none")
    except ModelError:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return HashingTextEncoder(dim=256)


@torch.inference_mode()
def _pooled(encoder: Encoder, notes: Sequence[str]) -> NDArray[np.float64]:
    inputs = stack_rows([encoder.prepare(note) for note in notes])
    assert not isinstance(inputs, Features)
    return encoder(inputs).pooled.double().numpy()  # type: ignore[no-any-return]
