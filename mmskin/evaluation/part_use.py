"""How much an arm's answers depend on each part of a case: what is ignored cannot have helped.

An arm may score well and read one part alone, which no score shows. So each part is taken away, and exchanged for that
of another patient, and the answers are compared with those of the complete cases, case by case: the share in which the
most likely class stays, and the mean change of the probabilities, ½ Σ_c |p_c − q_c|, the total variation between two
answers, in [0, 1]. Right or wrong does not matter here.

It reads the predictions of `missing_curves`, in which the scenarios "<other parts>" and "exchanged_<part>" stand.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmskin.data.missing_parts import COMPLETE, EXCHANGED
from mmskin.evaluation.intervals import REPLICATES, Resamples, draw_patients, interval
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import arm_names, probabilities, reported_rows

ROUNDING = 1e-4  # a network answers a batch of other cases alike to about 1e-6
IGNORED = 0.9  # share of answers that stay without a part, from which an arm is said to ignore it
GONE, OTHERS = "taken away", "another patient's"
COLUMNS = ["arm", "part", "how", "stays", "low", "high", "change", "change_low", "change_high", "reads", "n"]


def evaluate_part_use(table: pd.DataFrame, *, replicates: int = REPLICATES, seed: int = 0) -> pd.DataFrame:
    """Whether answers stay when a part is taken away or exchanged, with 95 % intervals over patients.

    Args:
        table: see the top of `missing_curves`; one seed of every arm.
        replicates: resamples of the patients.
        seed: of the resamples.

    Returns:
        A row an arm, part and way: arm, part, how (`GONE`, `OTHERS`); stays, low, high: share of the answers;
        change, change_low, change_high: of the probabilities; reads: False where no probability changes, as of
        an arm that is not given the part; n: cases. Of a part without which an arm has nothing to go by, `GONE` is a
        comparison with a forced answer and left out. Empty for a table without exchanged parts.
    """
    test = reported_rows(table)
    resamples = draw_patients(test["patient_id"], replicates=replicates, seed=seed)
    rows = []
    for arm in arm_names(test):
        by_scenario = {str(name): _sorted(of) for name, of in test[test["arm"] == arm].groupby("scenario", sort=False)}
        if COMPLETE not in by_scenario:
            continue
        parts = [name.removeprefix(EXCHANGED) for name in by_scenario if name.startswith(EXCHANGED)]
        for part in parts:
            for how, scenario in ((GONE, _without(part, parts)), (OTHERS, EXCHANGED + part)):
                altered = by_scenario.get(scenario)
                if altered is not None and altered["answered"].any():
                    told = _compared(by_scenario[COMPLETE], altered, resamples)
                    rows.append({"arm": arm, "part": part, "how": how, **told})
    return pd.DataFrame(rows, columns=COLUMNS)


def ignored_parts(use: pd.DataFrame) -> pd.DataFrame:
    """Rows of parts that an arm is given and whose loss leaves `IGNORED` of its answers as they are."""
    return use[(use["how"] == GONE) & use["reads"] & (use["stays"] >= IGNORED)]


def _without(part: str, parts: list[str]) -> str:
    """The scenario in which all other parts are left."""
    return "+".join(other for other in parts if other != part)


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("case_id", kind="stable", ignore_index=True)


def _compared(before: pd.DataFrame, after: pd.DataFrame, resamples: Resamples) -> dict[str, object]:
    one, other = probabilities(before), probabilities(after)
    stays = (one.argmax(axis=1) == other.argmax(axis=1)).astype(np.float64)
    change = np.abs(one - other).sum(axis=1) / 2
    weights = resamples.weights(before["patient_id"])
    (share, low, high), (mean, mean_low, mean_high) = (_mean(values, weights) for values in (stays, change))
    told = {"stays": share, "low": low, "high": high, "change": mean, "change_low": mean_low, "change_high": mean_high}
    return {**told, "reads": bool(change.max() > ROUNDING), "n": len(before)}


def _mean(values: Floats, weights: Floats) -> tuple[float, float, float]:
    """The mean over cases and its interval over resamples. weights: (1 + R, N), the data first."""
    drawn = (weights @ values) / weights.sum(axis=1)
    return float(drawn[0]), *interval(drawn)
