"""What an encoder knew before it was taught: sentences on skin complaints, and how alike it finds any two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn import functional

from mmskin.teaching.grammar import expand
from mmskin.teaching.lexicon import lexicon

MEASURED = 200
"""Sentences of which every pair is compared."""
PAIRS = 5.0
"""Weight of changed similarities beside moved vectors: cosines of pairs change by some hundredths where those of a
sentence with itself fall by tenths."""


def complaints(purpose: Literal["taught", "measured"], count: int, rng: np.random.Generator) -> list[str]:
    """Different sentences, from templates of their own for each purpose."""
    templates = lexicon()["complaints"][purpose]
    found: dict[str, None] = {}
    while len(found) < count:
        sentence = expand(templates[int(rng.integers(len(templates)))], rng, {})
        found[str(sentence)] = None
    return list(found)


def similarities(pooled: Tensor) -> Tensor:
    """Cosines of all pairs of (N, D) vectors, (N (N − 1) / 2,)."""
    rows, columns = torch.triu_indices(len(pooled), len(pooled), offset=1)
    return _cosines(pooled.double())[rows, columns]


def retention(before: Tensor, after: Tensor) -> float:
    """Spearman's correlation of the similarities of all pairs before and after, 1 where their order is the same."""
    return float(spearmanr(similarities(before).numpy(), similarities(after).numpy()).statistic)


def retention_loss(before: Tensor, now: Tensor) -> Tensor:
    """How far this encoder is from the untaught one on the same N sentences, (N, D) each; 0 where nothing has changed.

    Mean of 1 − cosine between what both give for a sentence, plus the mean squared change of the cosines of all pairs.
    """
    moved = (1 - functional.cosine_similarity(before, now, dim=1)).mean()
    return moved + PAIRS * (_cosines(before) - _cosines(now)).square().mean()


def _cosines(pooled: Tensor) -> Tensor:
    unit = functional.normalize(pooled, dim=1)
    return unit @ unit.T


def batches(pooled: Tensor, sentences: Sequence[str], size: int, rng: np.random.Generator) -> tuple[list[str], Tensor]:
    """Some of the sentences, with what the untaught encoder gave for them."""
    chosen = rng.choice(len(sentences), size=min(size, len(sentences)), replace=False)
    return [sentences[index] for index in chosen], pooled[torch.from_numpy(chosen)]
