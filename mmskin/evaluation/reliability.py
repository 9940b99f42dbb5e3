"""The bins of a reliability diagram."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmskin.evaluation.metrics import ECE_BINS, Floats, Ints, confidence_bin


def reliability_bins(target: Ints, probs: Floats, *, bins: int = ECE_BINS) -> pd.DataFrame:
    """The answers by confidence: low, high, n, confidence, accuracy per bin; empty bins have n = 0 and NaN.

    The same bins as `metrics.ece`, which is the mean of |accuracy - confidence| weighted by n.
    """
    confidence = probs.max(axis=1)
    of_bin = confidence_bin(confidence, bins=bins)
    n = np.bincount(of_bin, minlength=bins)
    right = np.bincount(of_bin, weights=probs.argmax(axis=1) == target, minlength=bins)
    summed = np.bincount(of_bin, weights=confidence, minlength=bins)
    some = np.where(n > 0, n, np.nan)
    edges = np.linspace(0, 1, bins + 1)
    return pd.DataFrame(
        {"low": edges[:-1], "high": edges[1:], "n": n, "confidence": summed / some, "accuracy": right / some}
    )
