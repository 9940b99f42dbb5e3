"""A predictions table under one stated prior: every arm recalibrated on its own validation rows, then brought there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mmskin.errors import ConfigError, DataError, first_of
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import PROB, arm_names, class_names, probabilities, target_codes
from mmskin.trained.class_calibration import fit_class_calibration
from mmskin.trained.prior_shift import estimated_prior, restated

DATA, UNIFORM, ESTIMATED = "data", "uniform", "estimated"
Prior = str | Mapping[str, float]
"""data: the shares of the labelled cases; uniform; estimated: from the test rows of each fold without their labels; or
a share by class."""


def under_prior(table: pd.DataFrame, prior: Prior) -> pd.DataFrame:
    """The same rows with other probabilities.

    Args:
        table: predictions with validation rows, to which temperature and biases of each arm, fold and seed are fitted.
        prior: see `Prior`.

    Raises:
        DataError: an arm without validation rows.
        ConfigError: no such prior, or shares that are not those of the classes.
    """
    classes = class_names(table)
    target = None if prior == ESTIMATED else shares_of(prior, table)
    parts = []
    for (arm, fold, _), rows in table.groupby(["arm", "fold", "seed"], sort=False):
        val = rows[rows["split"] == "val"]
        if val.empty:
            raise DataError(f"arm {arm!r} has no validation rows in fold {fold}, to which a prior is fitted")
        fitted = fit_class_calibration(_logs(val), target_codes(val))
        probs = fitted.probabilities(_logs(rows))
        to = target
        if to is None:
            to = estimated_prior(probs[(rows["split"] == "test").to_numpy()], of=fitted.prior)
        parts.append(
            rows.assign(**dict(zip(_columns(classes), restated(probs, of=fitted.prior, to=to).T, strict=True)))
        )
    return pd.concat(parts).loc[table.index]


def shares_of(prior: Prior, table: pd.DataFrame) -> Floats:
    """(C,) of a prior that is known; those of the data are the shares of the cases of the first arm.

    Raises:
        ConfigError: no such prior, or shares that are not those of the classes.
    """
    classes = class_names(table)
    if prior == UNIFORM:
        return np.full(len(classes), 1 / len(classes))
    if prior == DATA:
        cases = table[table["arm"] == arm_names(table)[0]].drop_duplicates("case_id")
        counts = np.bincount(target_codes(cases), minlength=len(classes))
        return np.asarray(counts / counts.sum())
    if isinstance(prior, str):
        words = ", ".join((DATA, UNIFORM, ESTIMATED))
        raise ConfigError(f"a prior must be {words}, or a JSON file of shares by class, however: {prior!r}")
    return given_shares(prior, classes)


def given_shares(prior: Mapping[str, float], classes: Sequence[str]) -> Floats:
    """(C,) shares by class as they are given, summing to 1.

    Raises:
        ConfigError: shares that are not those of the classes.
    """
    if set(prior) != set(classes):
        raise ConfigError(
            f"a prior needs a share for each class, {', '.join(classes)}, and for no other, however: "
            f"{first_of(sorted(prior))}"
        )
    shares = np.array([prior[name] for name in classes], dtype=np.float64)
    if not (np.isfinite(shares).all() and (shares >= 0).all() and abs(shares.sum() - 1) < 0.01):
        raise ConfigError(f"shares of a prior must not be negative and must sum to 1, however: {dict(prior)}")
    return np.asarray(shares / shares.sum())


def read_prior(words: str) -> Prior:
    """A prior as it is typed: one of the words, or a JSON file of shares by class.

    Raises:
        ConfigError: neither.
    """
    if words in (DATA, UNIFORM, ESTIMATED) or not Path(words).suffix:
        return words
    return read_shares(words)


def read_shares(words: str) -> dict[str, float]:
    """Shares by class of a JSON file.

    Raises:
        ConfigError: no such file, or another content.
    """
    path = Path(words)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"--prior {words}: no such file") from None
    except ValueError as error:
        raise ConfigError(f"--prior {words} is no JSON: {error}") from None
    if not isinstance(content, dict) or not all(isinstance(share, int | float) for share in content.values()):
        raise ConfigError(f'--prior {words} must hold shares by class, such as {{"MEL": 0.04, …}}')
    return content


def _logs(rows: pd.DataFrame) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probabilities(rows)))


def _columns(classes: tuple[str, ...]) -> list[str]:
    return [PROB + name for name in classes]
