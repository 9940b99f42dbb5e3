"""Is one arm better than another on the same patients, and what difference could these patients have shown at all?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.evaluation.intervals import (
    LEVEL,
    REPLICATES,
    ClassGroups,
    Key,
    Replicated,
    Resamples,
    draw_patients,
    interval,
    replicate,
    replicate_seeds,
)
from mmskin.evaluation.metrics import METRICS, Floats, Metric, group_metrics
from mmskin.evaluation.predictions import arm_names, reported_rows
from mmskin.evaluation.training_seeds import SwapVariance, swap_variance, widening

STANDARD = ("balanced_accuracy", "macro_auroc")
POWER_80 = 1.960 + 0.842  # normal quantiles: a true difference of 2.8 standard errors is found four times in five


class Difference(NamedTuple):
    """An arm minus its reference on the same patients.

    estimate, low, high: of the difference, in the unit of the metric. Of arms that were trained with several seeds the
        interval holds the luck of training beside that of the patients, see `training_seeds`.
    p: two-sided bootstrap p of the same resamples; p_adjusted: after Holm's correction, p itself for one comparison.
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
    check_same_cases(*arms)
    resamples = draw_patients(arms[0]["patient_id"], replicates=replicates, seed=seed)
    chosen = {metric: METRICS[metric]} if metric in METRICS else {}
    groups = {} if metric in METRICS else class_groups
    key = (metric, class_name)
    first, second = (_Side.of(rows, resamples, chosen, groups, [key]) for rows in arms)
    if key not in first.values:
        known = [of or "(no class)" for _, of in first.values]
        raise ConfigError(one_of(f"{metric} of", class_name or "(no class)", known))
    return _difference(first, second, key, wanted, arms[0])


def compare_arms(
    table: pd.DataFrame,
    *,
    reference: str,
    primary: str | None = None,
    metrics: Sequence[str] = STANDARD,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> pd.DataFrame:
    """Every other arm minus the reference arm, on the cases that both have answered.

    Without a primary arm p is corrected by Holm over the arms, within each metric. With one, the comparison of the
    primary arm in the first metric was named before anything was seen. Its chance of a false alarm is LEVEL as it
    stands, whatever else is computed afterwards, so its verdict rests on its own p. The other arms were not named: to
    look through them for one that differs is a search, and Holm keeps the chance of any false alarm of the search below
    LEVEL. The two together may reach twice LEVEL; who counts the primary arm into the search reads `p_holm_all`. In
    every further metric the primary arm is searched like any other.

    p cannot fall below 2 / (1 + replicates), which Holm multiplies: among more than LEVEL (1 + replicates) / 2 searched
    arms, 50 at 2,000 replicates, none could be found better, however good. So many arms want more replicates.

    Args:
        table: predictions; only test rows are read.
        reference: arm that is subtracted.
        primary: arm named in advance.
        metrics: the primary one first. Those of `metrics.RANKING`.
        replicates: number of resamples.
        seed: of the resamples.

    Returns:
        One row per metric and arm: arm, reference, role ("primary" for one row or none, else "exploratory"), then the
        entries of `Difference`, and p_holm_all: p after Holm over all arms, the primary one with them.

    Raises:
        ConfigError: no such arm or metric, a metric without a better direction, or the reference as the primary arm.
        DataError: arms, or seeds of them, that were tested on other cases than the reference.
    """
    test = reported_rows(table)
    if reference not in arm_names(test):
        raise ConfigError(one_of("reference arm", reference, arm_names(test)))
    others = [arm for arm in arm_names(test) if arm != reference]
    if primary is not None and primary not in others:
        raise ConfigError(one_of("primary arm", primary, others))
    directions = {name: _directed(name, "") for name in metrics}
    by_arm = {arm: test[test["arm"] == arm] for arm in arm_names(test)}
    for rows in by_arm.values():
        check_same_cases(rows, by_arm[reference])
    resamples = draw_patients(by_arm[reference]["patient_id"], replicates=replicates, seed=seed)
    chosen = {name: METRICS[name] for name in metrics}
    keys = [(name, "") for name in metrics]
    sides = {arm: _Side.of(rows, resamples, chosen, {}, keys) for arm, rows in by_arm.items()}
    lines = []
    for name in metrics:
        found = {a: _difference(sides[a], sides[reference], (name, ""), directions[name], by_arm[a]) for a in others}
        p_values = {arm: difference.p for arm, difference in found.items()}
        named = primary if name == metrics[0] else None
        adjusted = _holm_but_one(p_values, named)
        with_all = _holm_but_one(p_values, None)
        for arm, difference in found.items():
            verdict = _verdict(difference.estimate, adjusted[arm], directions[name])
            lines.append(
                {
                    "arm": arm,
                    "reference": reference,
                    "role": "primary" if arm == named else "exploratory",
                    **difference._replace(p_adjusted=adjusted[arm], verdict=verdict)._asdict(),
                    "p_holm_all": with_all[arm],
                }
            )
    return pd.DataFrame(lines, columns=["arm", "reference", "role", *Difference._fields, "p_holm_all"])


def too_few_resamples(differences: pd.DataFrame, *, replicates: int) -> list[str]:
    """Arms that are not distinguishable for want of resamples alone, in any metric.

    Their p lies where it cannot be lower, 2 / (1 + replicates), and Holm's correction lifts just that above LEVEL.
    """
    lowest = 2 / (1 + replicates)
    held_back = (differences["p"] <= lowest * (1 + 1e-9)) & (differences["p_adjusted"] > LEVEL)
    return list(dict.fromkeys(differences["arm"][held_back]))


def _holm_but_one(p_values: Mapping[str, float], named: str | None) -> dict[str, float]:
    """By arm: Holm over all arms but the one named in advance, whose p stays as it is."""
    searched = [arm for arm in p_values if arm != named]
    corrected = holm([p_values[arm] for arm in searched])
    return dict(p_values) | dict(zip(searched, corrected, strict=True))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): p sorted, times the number of hypotheses left, never falling, at most 1."""
    order = np.argsort(p_values)
    scaled = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return [float(p) for p in adjusted]


class _Side(NamedTuple):
    """One arm of a difference: its metrics in all resamples, and what each owes to the luck of training."""

    values: Mapping[Key, Replicated]
    swaps: Mapping[Key, SwapVariance]

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        resamples: Resamples,
        metrics: Mapping[str, Metric],
        class_groups: ClassGroups | None,
        keys: Sequence[Key],
    ) -> _Side:
        values = replicate_seeds(rows, resamples=resamples, metrics=metrics, class_groups=class_groups)
        alone = resamples._replace(counts=resamples.counts[:1])

        def value(key: Key, some: pd.DataFrame) -> float:
            found = replicate(some, resamples=alone, metrics=metrics, class_groups=class_groups)
            return float(found[key][0])

        return cls(values, {key: swap_variance(rows, partial(value, key)) for key in keys if key in values})


def _difference(first: _Side, second: _Side, key: Key, better: str, rows: pd.DataFrame) -> Difference:
    values = first.values[key].mean - second.values[key].mean
    by_seed = _seed_by_seed(first.values[key].by_seed, second.values[key].by_seed)
    stretch = widening(by_seed[:, 1:], [first.swaps[key], second.swaps[key]])
    if stretch > 1:
        values[1:] = values[0] + stretch * (values[1:] - values[0])
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


def _seed_by_seed(first: Floats, second: Floats) -> Floats:
    """(S, 1 + R) differences; of an arm with fewer seeds they are used again."""
    seeds = range(max(len(first), len(second)))
    return np.stack([first[seed % len(first)] - second[seed % len(second)] for seed in seeds])


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


def check_same_cases(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Both arms have answered the same cases, with every seed.

    Raises:
        DataError: they have not; the cases by name, cut to ten.
    """
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
