"""Is one arm better than another on the same patients, and what difference could these patients have shown at all?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.evaluation.intervals import LEVEL, REPLICATES, ClassGroups, Key, draw_patients, interval, replicate
from mmskin.evaluation.metrics import METRICS, Floats, group_metrics
from mmskin.evaluation.predictions import arm_names, reported_rows

POWER_80 = 1.960 + 0.842  # normal quantiles: a true difference of 2.8 standard errors is found four times in five


class Difference(NamedTuple):
    """An arm minus its reference on the same patients.

    estimate, low, high: of the difference, in the unit of the metric.
    p: two-sided bootstrap p; p_adjusted: after Holm's correction, p itself for a single comparison.
    detectable: the true difference that would be found with 80 % power on these patients.
    verdict: "better" or "worse" (p_adjusted at most .05), else "not distinguishable".
    """

    metric: str
    class_name: str
    estimate: float
    low: float
    high: float
    p: float
    p_adjusted: float
    detectable: float
    verdict: str
    n: int
    patients: int


def paired_difference(
    table: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    metric: str = "balanced_accuracy",
    class_name: str = "",
    replicates: int = REPLICATES,
    seed: int = 0,
    class_groups: ClassGroups | None = None,
) -> Difference:
    """One arm against another, both read in the same resamples of patients.

    Args:
        table: test rows of the arm; rows with split "val" are not read. Several training seeds are averaged inside each
            resample, so that their luck is not counted as one more set of patients.
        reference: test rows of the other arm, on the same cases. Numbers of seeds and folds may differ.
        metric: a metric for which more or less is better.
        class_name: for metrics of one class or class group, which.
        replicates: number of resamples.
        seed: of the resamples.
        class_groups: see `evaluate`.

    Raises:
        DataError: the two, or seeds of one, have not the same cases; or more than one arm each.
        ConfigError: no such metric, or one without a better direction.
    """
    wanted = _directed(metric, class_name)
    arms = [reported_rows(part) for part in (table, reference)]
    for rows in arms:
        if len(arm_names(rows)) != 1:
            raise DataError(f"a paired difference takes one arm a side, however: {first_of(arm_names(rows))}")
    _check_same_cases(*arms)
    resamples = draw_patients(arms[0]["patient_id"], replicates=replicates, seed=seed)
    chosen = {metric: METRICS[metric]} if metric in METRICS else {}
    groups = {} if metric in METRICS else class_groups
    first, second = (replicate(rows, resamples=resamples, metrics=chosen, class_groups=groups) for rows in arms)
    if (metric, class_name) not in first:
        known = [of or "(no class)" for _, of in first]
        raise ConfigError(one_of(f"{metric} of", class_name or "(no class)", known))
    return _difference(first, second, (metric, class_name), wanted, arms[0])


def compare_arms(
    table: pd.DataFrame,
    *,
    reference: str,
    metrics: Sequence[str] = ("balanced_accuracy", "macro_auroc"),
    replicates: int = REPLICATES,
    seed: int = 0,
) -> pd.DataFrame:
    """Every other arm minus the reference arm, on the cases that both have answered.

    p is corrected by Holm over the arms, within each metric: the primary metric is to be named in advance, the others
    are secondary.

    Returns:
        One row per metric and arm: arm, reference, then the entries of `Difference`.

    Raises:
        ConfigError: no such arm or metric, or a metric without a better direction.
        DataError: arms, or seeds of them, that were tested on other cases than the reference.
    """
    test = reported_rows(table)
    if reference not in arm_names(test):
        raise ConfigError(one_of("reference arm", reference, arm_names(test)))
    directions = {name: _directed(name, "") for name in metrics}
    by_arm = {arm: test[test["arm"] == arm] for arm in arm_names(test)}
    for rows in by_arm.values():
        _check_same_cases(rows, by_arm[reference])
    resamples = draw_patients(by_arm[reference]["patient_id"], replicates=replicates, seed=seed)
    chosen = {name: METRICS[name] for name in metrics}
    values = {arm: replicate(rows, resamples=resamples, metrics=chosen) for arm, rows in by_arm.items()}
    others = [arm for arm in by_arm if arm != reference]
    lines = []
    for name in metrics:
        found = [_difference(values[a], values[reference], (name, ""), directions[name], by_arm[a]) for a in others]
        adjusted = holm([difference.p for difference in found])
        for arm, difference, p in zip(others, found, adjusted, strict=True):
            verdict = _verdict(difference.estimate, p, directions[name])
            lines.append(
                {"arm": arm, "reference": reference, **difference._replace(p_adjusted=p, verdict=verdict)._asdict()}
            )
    return pd.DataFrame(lines, columns=["arm", "reference", *Difference._fields])


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): p sorted, times the number of hypotheses left, never falling, at most 1."""
    order = np.argsort(p_values)
    scaled = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return [float(p) for p in adjusted]


def _difference(
    first: Mapping[Key, Floats], second: Mapping[Key, Floats], key: Key, better: str, rows: pd.DataFrame
) -> Difference:
    values = first[key] - second[key]
    low, high = interval(values)
    drawn = values[1:][np.isfinite(values[1:])]
    p = _two_sided_p(drawn)
    estimate = float(values[0])
    cases = rows.drop_duplicates("case_id")
    return Difference(
        metric=key[0],
        class_name=key[1],
        estimate=estimate,
        low=low,
        high=high,
        p=p,
        p_adjusted=p,
        detectable=float(POWER_80 * drawn.std(ddof=1)) if len(drawn) > 1 else float("nan"),
        verdict=_verdict(estimate, p, better),
        n=len(cases),
        patients=cases["patient_id"].nunique(),
    )


def _two_sided_p(drawn: Floats) -> float:
    """Twice the smaller share of resamples on either side of zero, the data counted as one resample (so never 0)."""
    smaller = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (len(drawn) + 1))


def _verdict(estimate: float, p: float, better: str) -> str:
    if not p <= LEVEL:
        return "not distinguishable"
    return "better" if (estimate > 0) == (better == "higher") else "worse"


def _directed(metric: str, class_name: str) -> str:
    """Which way the metric is better."""
    known = {**METRICS, **group_metrics([])}
    if metric not in known:
        raise ConfigError(one_of("metric", metric, known))
    better = known[metric].better
    if better is None:
        raise ConfigError(
            f"{metric} has no better direction, so arms cannot be ranked by it; its ideal lies in between"
        )
    if not class_name and known[metric].kind == "class":
        raise ConfigError(f"{metric} is per class; say of which with class_name")
    return better


def _check_same_cases(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Both arms have answered the same cases, with every seed."""
    here, there = set(first["case_id"]), set(second["case_id"])
    if here != there:
        lost = sorted(here ^ there)
        raise DataError(
            f"arms {first['arm'].iloc[0]!r} and {second['arm'].iloc[0]!r} must be tested on the same cases to be "
            f"paired, however, {len(lost)} cases stand in one only: {first_of(lost)}"
        )
    for rows in (first, second):
        for seed, one_seed in rows.groupby("seed"):
            if lost := sorted(here - set(one_seed["case_id"])):
                raise DataError(
                    f"arm {rows['arm'].iloc[0]!r} must be tested on the same cases with every seed, however, seed "
                    f"{seed} lacks {len(lost)}: {first_of(lost)}"
                )
