"""What every arm loses when parts of a case are missing: scores by scenario, and one number a mechanism.

It reads a predictions table of test rows with three more columns:

    scenario: str, what is missing: "complete"; the parts that are left, joined by "+"; or a mechanism that hides
        fields. `mmskin.data.missing_parts` tells them.
    rate: float, the share that is hidden: 0 if complete, 1 where only parts are left, between them for a mechanism.
    answered: bool. Where an arm had nothing to go by, the row holds the mean probabilities of its validation rows: a
        forced answer, which is the same for all such cases and so about as good as chance. Without it the arm would be
        scored on ever fewer cases, and other ones in every scenario.

The score is balanced accuracy, of all folds together. Each rate was drawn once: the intervals are over patients, not
over what else might have been hidden of them.
Parts that are exchanged between patients are another question: see `part_use`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.data.missing_parts import EXCHANGED
from mmskin.errors import DataError, first_of
from mmskin.evaluation.intervals import REPLICATES, Resamples, draw_patients, interval
from mmskin.evaluation.metrics import Floats, mean_defined
from mmskin.evaluation.predictions import arm_names, probabilities, reported_rows, target_codes

Key = tuple[str, str, float]  # arm, scenario, rate
COMPLETE: tuple[str, float] = ("complete", 0.0)


class Losses(NamedTuple):
    """Two tables, arms and scenarios in the order of the predictions.

    scores: one row per arm, scenario and rate: arm, scenario, rate; estimate, low, high: balanced accuracy; change,
        change_low, change_high: minus that of the complete cases, in the same resamples; answered: share of the cases;
        n: cases.
    robustness: one row per arm and mechanism: arm, scenario; estimate, low, high: see `relative_robustness`.
    chance: 1 / C for the C classes that have a case.
    """

    scores: pd.DataFrame
    robustness: pd.DataFrame
    chance: float


def evaluate_missing(table: pd.DataFrame, *, replicates: int = REPLICATES, seed: int = 0) -> Losses:
    """Balanced accuracy in every scenario, and relative robustness under every mechanism, with 95 % intervals.

    Args:
        table: see the top of this file; one seed of every arm.
        replicates: number of resamples of patients, the same ones for all arms and scenarios.
        seed: of the resamples.

    Raises:
        DataError: a scenario of an arm lacks cases that another one has.
    """
    test = reported_rows(table[~table["scenario"].str.startswith(EXCHANGED)])
    resamples = draw_patients(test["patient_id"], replicates=replicates, seed=seed)
    values = balanced_accuracies(test, resamples)
    answered = test.groupby(["arm", "scenario", "rate"])["answered"].mean()
    chance, n = 1 / test["target"].nunique(), test["case_id"].nunique()
    scores = []
    for (arm, scenario, rate), drawn in values.items():
        change = drawn - values[arm, *COMPLETE]
        low, high = interval(drawn)
        change_low, change_high = interval(change)
        scores.append(
            {"arm": arm, "scenario": scenario, "rate": rate, "estimate": float(drawn[0]), "low": low, "high": high}
            | {"change": float(change[0]), "change_low": change_low, "change_high": change_high}
            | {"answered": float(answered[arm, scenario, rate]), "n": n}
        )
    robustness = []
    for arm in arm_names(test):
        for mechanism in dict.fromkeys(scenario for a, scenario, rate in values if a == arm and 0 < rate < 1):
            curve = [drawn for (a, scenario, _), drawn in values.items() if (a, scenario) == (arm, mechanism)]
            drawn = relative_robustness(np.stack(curve), values[arm, *COMPLETE], chance=chance)
            low, high = interval(drawn)
            line = {"arm": arm, "scenario": mechanism, "estimate": float(drawn[0]), "low": low, "high": high}
            robustness.append(line)
    columns = ["arm", "scenario", "estimate", "low", "high"]
    return Losses(pd.DataFrame(scores), pd.DataFrame(robustness, columns=columns), chance)


def relative_robustness(curve: Floats, complete: Floats, *, chance: float) -> Floats:
    """How much of what an arm has above chance is left, the mean over the rates: mean_r (s_r - 1/C) / (s_0 - 1/C).

    1: nothing is lost, as of an arm that never reads what is hidden, so it is to be read beside the score; 0: all that
    the arm knew is lost.

    Args:
        curve: (rates, 1 + R), the scores with parts missing, the data first.
        complete: (1 + R,), the scores of the complete cases.
        chance: 1 / C.

    Returns:
        (1 + R,). NaN in resamples in which the complete score is not above chance, and all NaN where the interval of
        the complete score reaches chance: of nothing no share can be left.
    """
    if not interval(complete)[0] > chance:
        return np.full_like(complete, np.nan)
    known = complete - chance
    share: Floats = np.where(known > 0, (curve.mean(axis=0) - chance) / np.where(known > 0, known, 1), np.nan)
    return share


def balanced_accuracies(test: pd.DataFrame, resamples: Resamples) -> dict[Key, Floats]:
    """(1 + R,) by arm, scenario and rate: as `intervals.replicate` has it, for all of them in one product a class.

    Raises:
        DataError: see `evaluate_missing`.
    """
    keys = [(str(a), str(s), float(r)) for a, s, r in test[["arm", "scenario", "rate"]].drop_duplicates().to_numpy()]
    right = test.assign(right=probabilities(test).argmax(axis=1) == target_codes(test))
    wide = right.pivot(index="case_id", columns=["arm", "scenario", "rate"], values="right")[keys]
    if wide.isna().to_numpy().any():
        lost = list(wide.index[wide.isna().any(axis=1)])
        raise DataError(f"every scenario of every arm must have the same cases, however, some lack {first_of(lost)}")
    cases = test.drop_duplicates("case_id").set_index("case_id").loc[wide.index]
    weights, hits = resamples.weights(cases["patient_id"]), wide.to_numpy(dtype=np.float64)
    recalls = []
    for name in cases["target"].unique():
        of_class = np.flatnonzero(cases["target"] == name)
        total = weights[:, of_class].sum(axis=1, keepdims=True)
        found = weights[:, of_class] @ hits[of_class]
        recalls.append(np.divide(found, total, out=np.full_like(found, np.nan), where=total > 0))
    scores = mean_defined(np.stack(recalls), axis=0)
    return {key: scores[:, column] for column, key in enumerate(keys)}
