"""What every arm loses when photos are bad: scores by fault and severity, and the mean over all of them.

It reads a predictions table of test rows with three more columns:

    corruption: str, the fault of the photos; "clean" for none. `mmskin.inputs.corruptions` tells them.
    severity: int, 1 to 5; 0 if clean.
    answered: bool, as of `missing_curves`: a case of which an arm has nothing to go by holds a forced answer.

The mean is over faults and severities alike, after the mCE of Hendrycks & Dietterich, ICLR 2019, but of the scores
themselves: not divided by those of another network. Each fault was drawn once: the intervals are over patients, the
same resamples for all, so every loss is paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mmskin.errors import DataError, first_of
from mmskin.evaluation.intervals import REPLICATES, Resamples, draw_patients, interval, replicate
from mmskin.evaluation.metrics import METRICS, Floats
from mmskin.evaluation.predictions import arm_names, probabilities, reported_rows

Fault = tuple[str, int]  # corruption, severity
CLEAN: Fault = ("clean", 0)
SCORES = ("balanced_accuracy", "macro_auroc")
BY = ["corruption", "severity"]


class CorruptedScores(NamedTuple):
    """Two tables, arms and faults in the order of the predictions.

    scores: one row per arm, fault, severity and metric: arm, corruption, severity, metric; estimate, low, high; change,
        change_low, change_high: minus that of the clean photos, in the same resamples; n: cases.
    means: one row per arm and metric: arm, metric; clean; estimate, low, high: the mean over faults and severities;
        change, change_low, change_high: minus clean; gain, gain_low, gain_high: minus the mean of the reference, NaN
        where there is none; reads_photos: False where no answer changes with any fault.
    """

    scores: pd.DataFrame
    means: pd.DataFrame

    @property
    def severities(self) -> list[int]:
        """Rising, without that of clean photos."""
        return sorted({int(severity) for severity in self.scores["severity"]} - {CLEAN[1]})

    @property
    def corruptions(self) -> list[str]:
        return [str(name) for name in self.scores["corruption"].drop_duplicates() if name != CLEAN[0]]


def evaluate_robustness(
    table: pd.DataFrame, *, reference: str | None = None, replicates: int = REPLICATES, seed: int = 0
) -> CorruptedScores:
    """Balanced accuracy and macro AUROC of every arm under every fault, with 95 % intervals.

    Args:
        table: see the top of this file; one seed of every arm.
        reference: the arm with whose mean those of the others are compared.
        replicates: number of resamples of patients, the same ones for all arms and faults.
        seed: of the resamples.

    Raises:
        DataError: an arm lacks clean photos, a fault that another arm has, or cases under one of them.
    """
    test = reported_rows(table)
    check_complete(test)
    resamples = draw_patients(test["patient_id"], replicates=replicates, seed=seed)
    of_arms = {arm: replicated(test[test["arm"] == arm], resamples) for arm in arm_names(test)}
    means = {(arm, metric): _mean(values, metric) for arm, values in of_arms.items() for metric in SCORES}
    n = int(test["case_id"].nunique())
    scores: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for (arm, metric), mean in means.items():
        clean = of_arms[arm][CLEAN][metric]
        for (corruption, severity), values in of_arms[arm].items():
            place = {"arm": arm, "corruption": corruption, "severity": severity, "metric": metric}
            scores.append(place | _told(values[metric]) | _told(values[metric] - clean, "change") | {"n": n})
        change, gain = mean - clean, mean - means.get((reference or "", metric), np.full_like(mean, np.nan))
        line = {"arm": arm, "metric": metric, "clean": float(clean[0])} | _told(mean)
        changes = any(values is not of_arms[arm][CLEAN] for values in of_arms[arm].values())
        lines.append(line | _told(change, "change") | _told(gain, "gain") | {"reads_photos": changes})
    return CorruptedScores(pd.DataFrame(scores), pd.DataFrame(lines))


def replicated(rows: pd.DataFrame, resamples: Resamples) -> dict[Fault, dict[str, Floats]]:
    """Of one arm: (1 + R,) by fault and metric, clean photos first.

    Equal answers are scored once, and are the same object: an arm that reads no photo has one under all faults.
    """
    metrics = {name: METRICS[name] for name in SCORES}
    known: dict[bytes, dict[str, Floats]] = {}
    found: dict[Fault, dict[str, Floats]] = {}
    for corruption, severity in _faults(rows):
        of_fault = rows[(rows["corruption"] == corruption) & (rows["severity"] == severity)]
        ordered = of_fault.sort_values("case_id", kind="stable")
        answers = probabilities(ordered).tobytes()
        if answers not in known:
            values = replicate(ordered, resamples=resamples, metrics=metrics)
            known[answers] = {name: values[name, ""] for name in SCORES}
        found[corruption, severity] = known[answers]
    return {CLEAN: found[CLEAN], **found}


def check_complete(test: pd.DataFrame) -> None:
    """Raises:
    DataError: see `evaluate_robustness`.
    """
    faults = _faults(test)
    if CLEAN not in faults or len(faults) == 1:
        raise DataError("robustness needs the answers on clean photos, and those on photos with one fault or more")
    n = test["case_id"].nunique()
    counts = test.groupby(["arm", *BY])["case_id"].nunique()
    lacking = [
        f"{arm} under {corruption} {severity}"
        for arm in arm_names(test)
        for corruption, severity in faults
        if counts.get((arm, corruption, severity), 0) != n
    ]
    if lacking:
        raise DataError(f"every arm must have the same cases under every fault, however, not: {first_of(lacking)}")


def _faults(rows: pd.DataFrame) -> list[Fault]:
    """In the order in which they first appear."""
    return [(str(name), int(severity)) for name, severity in rows[BY].drop_duplicates().to_numpy()]


def _mean(values: Mapping[Fault, Mapping[str, Floats]], metric: str) -> Floats:
    """(1 + R,), over all faults and severities: the clean score and the mean change, to be exact where none changes."""
    clean = values[CLEAN][metric]
    changes = [of_fault[metric] - clean for fault, of_fault in values.items() if fault != CLEAN]
    return np.asarray(clean + np.mean(changes, axis=0))


def _told(drawn: Floats, name: str = "") -> dict[str, float]:
    """Estimate and interval of (1 + R,), the data first; named as themselves, or as a change."""
    low, high = interval(drawn)
    names = (name, f"{name}_low", f"{name}_high") if name else ("estimate", "low", "high")
    return dict(zip(names, (float(drawn[0]), low, high), strict=True))
