from __future__ import annotations

import numpy as np
import pytest

from mmskin.evaluation import metrics
from mmskin.evaluation.reliability import reliability_bins


def test_bins_hold_every_case_and_give_the_ece() -> None:
    rng = np.random.default_rng(3)
    probs = rng.dirichlet([0.8, 0.8, 0.8], size=500)
    target = (rng.random((500, 1)) > probs.cumsum(axis=1)[:, :-1]).sum(axis=1)
    bins = reliability_bins(target, probs)
    assert bins["n"].sum() == 500
    some = bins[bins["n"] > 0]
    assert bins.loc[bins["n"] == 0, "accuracy"].isna().all()
    gap = (some["n"] * (some["accuracy"] - some["confidence"]).abs()).sum() / 500
    assert gap == pytest.approx(metrics.ece(target, probs))
