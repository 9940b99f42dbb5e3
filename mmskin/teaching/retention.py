"""What an encoder knew before it was taught: sentences on skin complaints, and how alike it finds any two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmskin.teaching.grammar import expand
from mmskin.teaching.lexicon import lexicon

MEASURED = 200
"""Sentences of which every pair is compared."""


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
    unit = functional.normalize(pooled.double(), dim=1)
    rows, columns = torch.triu_indices(len(unit), len(unit), offset=1)
    return (unit @ unit.T)[rows, columns]


def retention(before: Tensor, after: Tensor) -> float:
    """Spearman's correlation of the similarities of all pairs before and after, 1 where their order is the same."""
    ranks = [similarities(pooled).argsort().argsort().double().numpy() for pooled in (before, after)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def retention_loss(before: Tensor, now: Tensor) -> Tensor:
    """Mean of 1 − cosine between what the untaught encoder gave and what this one gives, (N, D) each."""
    return (1 - functional.cosine_similarity(before, now, dim=1)).mean()


def batches(pooled: Tensor, sentences: Sequence[str], size: int, rng: np.random.Generator) -> tuple[list[str], Tensor]:
    """Some of the sentences, with what the untaught encoder gave for them."""
    chosen = rng.choice(len(sentences), size=min(size, len(sentences)), replace=False)
    return [sentences[index] for index in chosen], pooled[torch.from_numpy(chosen)]
