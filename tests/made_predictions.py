"""Predictions of invented patients, for every test of the evaluation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

CLASSES = ("ACK", "BCC", "MEL", "NEV")
MakePredictions = Callable[..., pd.DataFrame]


def make(
    *,
    arm: str = "image",
    n: int = 120,
    skill: float = 1.0,
    seeds: int = 1,
    folds: int = 3,
    classes: tuple[str, ...] = CLASSES,
    rng_seed: int = 0,
) -> pd.DataFrame:
    """Test rows of n cases of about 2/3 n patients; the higher the skill, the more often the answer is right.

    Cases, patients, targets and groups depend on n, folds and classes only, so arms of one n can be paired.
    """
    rng = np.random.default_rng(n)
    target = rng.choice(len(classes), size=n, p=np.arange(len(classes), 0, -1) / np.arange(len(classes) + 1).sum())
    patient = rng.integers(0, max(1, 2 * n // 3), size=n)
    sex = rng.choice(np.array(["female", "male", None], dtype=object), size=n, p=[0.5, 0.4, 0.1])
    recorded = np.where(rng.random(n) < 0.6, "yes", "no")
    noise = np.random.default_rng(rng_seed)
    parts = []
    for seed in range(seeds):
        logits = noise.normal(size=(n, len(classes))) + skill * np.eye(len(classes))[target]
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        parts.append(
            pd.DataFrame(
                {
                    "case_id": [f"c{i:04d}" for i in range(n)],
                    "patient_id": [f"p{i:04d}" for i in patient],
                    "fold": patient % folds,
                    "seed": seed,
                    "arm": arm,
                    "split": "test",
                    "target": [classes[t] for t in target],
                    **{f"prob_{name}": probs[:, c] for c, name in enumerate(classes)},
                    "group_sex": sex,
                    "group_fully_recorded": recorded,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
