"""What the metrics would have been with other patients: resamples, and the intervals they give.

Patients are drawn with replacement, each with all of their cases (the cluster bootstrap: Davison & Hinkley 1997,
section 3.8); intervals are percentile intervals of 95 %. A resample is a vector of weights, so every metric is computed
for all resamples in a few matrix products. Inside a resample a metric is averaged over seeds.

An interval says how much depends on which patients were met. It does not say how much depends on the training patients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.errors import ConfigError, DataError, one_of
from mmskin.evaluation.metrics import METRICS, Compute, Floats, Metric, group_metrics, mean_defined, within_folds
from mmskin.evaluation.predictions import arm_names, class_names, probabilities, reported_rows, target_codes

REPLICATES = 2000
COVERAGE = 0.95
LEVEL = 1 - COVERAGE
CHUNK = 4_000_000  # weights held at once, 32 MB: a few such arrays live at the same time

ClassGroups = Mapping[str, Sequence[str]]
Key = tuple[str, str]  # metric, and the class or class group it is of, "" for all


# --- resamples ----------------------------------------------------------------------------------------------


class Resamples(NamedTuple):
    """How often each patient was drawn.

    patients: (P,), sorted, so that the same patients give the same resamples in whatever order their rows come.
    counts: (1 + R, P). The first row is all ones: the data as they are. The others sum to P each.
    """

    patients: pd.Index
    counts: Floats

    def weights(self, patient_ids: pd.Series, *, part: slice = slice(None)) -> Floats:
        """(1 + R, N): the weight of each row in each resample, or in a part of the resamples."""
        return self.counts[part][:, self.patients.get_indexer(pd.Index(patient_ids))]


def draw_patients(patient_ids: pd.Series, *, replicates: int = REPLICATES, seed: int = 0) -> Resamples:
    """Draw as many patients as there are, with replacement, again and again.

    Raises:
        ConfigError: replicates below 1.
    """
    if replicates < 1:
        raise ConfigError(f"replicates must be 1 or more, however: replicates={replicates}")
    patients = pd.Index(np.unique(patient_ids.to_numpy(dtype=object)))
    share = np.full(len(patients), 1 / len(patients))
    drawn = np.random.default_rng(seed).multinomial(len(patients), share, size=replicates)
    return Resamples(patients, np.vstack([np.ones(len(patients)), drawn]))


def patient_weights(patient_ids: pd.Series, *, replicates: int = REPLICATES, seed: int = 0) -> Floats:
    """(R, N), whole numbers: how often each row was drawn; rows of one patient share their weight."""
    return draw_patients(patient_ids, replicates=replicates, seed=seed).weights(patient_ids, part=slice(1, None))


# --- metrics in all resamples -------------------------------------------------------------------------------


class Replicated(NamedTuple):
    """A metric in the data and in every resample.

    mean: (1 + R,), the data first, the mean over seeds.
    by_seed: (S, 1 + R), a row a seed.
    """

    mean: Floats
    by_seed: Floats


def replicate(
    rows: pd.DataFrame,
    *,
    resamples: Resamples,
    metrics: Mapping[str, Metric] = METRICS,
    class_groups: ClassGroups | None = None,
    macro_over: Sequence[str] | None = None,
) -> dict[Key, Floats]:
    """`Replicated.mean` by metric and class; see `replicate_seeds`."""
    found = replicate_seeds(
        rows, resamples=resamples, metrics=metrics, class_groups=class_groups, macro_over=macro_over
    )
    return {key: values.mean for key, values in found.items()}


def replicate_seeds(
    rows: pd.DataFrame,
    *,
    resamples: Resamples,
    metrics: Mapping[str, Metric] = METRICS,
    class_groups: ClassGroups | None = None,
    macro_over: Sequence[str] | None = None,
) -> dict[Key, Replicated]:
    """Every metric of one arm, in the data and in every resample.

    Args:
        rows: rows of one arm; any number of folds and seeds.
        resamples: of patients that include all patients of the rows.
        metrics: what to compute.
        class_groups: class names by group; each group adds `group_auroc`, `group_sensitivity`, `group_specificity`.
        macro_over: the classes that macro metrics average; all of them if not given.

    Returns:
        By (metric, class or group or "").
    """
    names = class_names(rows)
    macro_columns = [names.index(name) for name in (names if macro_over is None else macro_over)]
    wanted: dict[Key, Metric] = {(name, ""): metric for name, metric in metrics.items()}
    for group, members in group_codes(names, class_groups or {}).items():
        wanted |= {(name, group): metric for name, metric in group_metrics(members).items()}

    # Metrics that differ only in how they are averaged share their computation.
    computed = _compute_all(rows, {(m.compute, m.folds) for m in wanted.values()}, resamples)
    result: dict[Key, Replicated] = {}
    for (name, of), metric in wanted.items():
        by_seed = computed[metric.compute, metric.folds]
        values = mean_defined(by_seed, axis=0)
        if metric.kind == "class":
            result |= {(name, of): Replicated(values[:, c], by_seed[..., c]) for c, of in enumerate(names)}
        elif metric.kind == "macro":
            # Over seeds first: a class without a case in a resample is left out for all of them.
            mean, each = (mean_defined(v[..., macro_columns], axis=-1) for v in (values, by_seed))
            result[name, of] = Replicated(mean, each)
        else:
            result[name, of] = Replicated(values, by_seed)
    return result


def _compute_all(
    rows: pd.DataFrame, jobs: set[tuple[Compute, bool]], resamples: Resamples
) -> dict[tuple[Compute, bool], Floats]:
    """(S, 1 + R) or (S, 1 + R, C) by job, computed in chunks of resamples."""
    seeds = [one_seed for _, one_seed in rows.groupby("seed", sort=True)]
    size = max(1, CHUNK // max(len(one_seed) for one_seed in seeds))
    chunks: dict[tuple[Compute, bool], list[Floats]] = {job: [] for job in jobs}
    for start in range(0, len(resamples.counts), size):
        by_seed: dict[tuple[Compute, bool], list[Floats]] = {job: [] for job in jobs}
        for one_seed in seeds:
            target, probs = target_codes(one_seed), probabilities(one_seed)
            weights = resamples.weights(one_seed["patient_id"], part=slice(start, start + size))
            fold = one_seed["fold"].to_numpy(dtype=np.int64)
            for compute, folds in jobs:
                run = partial(within_folds, compute, fold=fold) if folds else compute
                by_seed[compute, folds].append(run(target, probs, weights))
        for job, values in by_seed.items():
            chunks[job].append(np.stack(values))
    return {job: np.concatenate(parts, axis=1) for job, parts in chunks.items()}


def group_codes(names: tuple[str, ...], class_groups: ClassGroups) -> dict[str, tuple[int, ...]]:
    """The class codes of each class group.

    Raises:
        DataError: a class that is not among the names.
    """
    for group, members in class_groups.items():
        for member in members:
            if member not in names:
                raise DataError(one_of(f"class group {group!r}: class", member, names))
    return {group: tuple(names.index(member) for member in members) for group, members in class_groups.items()}


def interval(values: Floats) -> tuple[float, float]:
    """The percentile interval of the resamples in which the metric is defined; NaN if there is none.

    Args:
        values: (1 + R,), the data first.
    """
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or not len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2])
    return float(low), float(high)


# --- the long table -----------------------------------------------------------------------------------------


def evaluate(
    table: pd.DataFrame, *, replicates: int = REPLICATES, seed: int = 0, class_groups: ClassGroups | None = None
) -> pd.DataFrame:
    """Every metric of every arm on its test rows, each with its interval.

    Args:
        table: predictions; rows with split "val" are not read.
        replicates: number of resamples of patients.
        seed: of the resamples, which are the same for all arms, subsets and metrics.
        class_groups: named sets of classes, such as malignant, for metrics of the set against the other classes.

    Returns:
        One row per arm, subset, metric and class, with columns
        arm; subset: "all" or "fully_recorded" (group_fully_recorded is "yes"), two populations that are shown side by
        side and never subtracted; metric; class: a class, a class group, or ""; estimate, low, high: averaged over
        seeds, NaN where undefined; n: test cases, or those of the class or group; patients: patients with test cases;
        undefined: share of the resamples in which the metric could not be computed (left out of the interval), or
        for macro metrics, in which a class had no case (left out of the mean).
    """
    parts: list[pd.DataFrame] = []
    test = reported_rows(table)
    resamples = draw_patients(test["patient_id"], replicates=replicates, seed=seed)
    for arm in arm_names(test):
        of_arm = test[test["arm"] == arm]
        subsets = {"all": of_arm}
        if "group_fully_recorded" in of_arm and (recorded := of_arm[of_arm["group_fully_recorded"] == "yes"]).size:
            subsets["fully_recorded"] = recorded
        for subset, rows in subsets.items():
            values = replicate(rows, resamples=resamples, class_groups=class_groups)
            part = summarize(rows, values, class_groups=class_groups)
            part.insert(0, "arm", arm)
            part.insert(1, "subset", subset)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def evaluate_some(
    table: pd.DataFrame, metrics: Sequence[str], *, replicates: int = REPLICATES, seed: int = 0
) -> pd.DataFrame:
    """The rows of `evaluate` on all test cases for some metrics over all classes."""
    test = reported_rows(table)
    resamples = draw_patients(test["patient_id"], replicates=replicates, seed=seed)
    chosen = {name: METRICS[name] for name in metrics}
    parts = []
    for arm in arm_names(test):
        rows = test[test["arm"] == arm]
        parts.append(summarize(rows, replicate(rows, resamples=resamples, metrics=chosen)).assign(arm=arm))
    return pd.concat(parts, ignore_index=True)


def summarize(
    rows: pd.DataFrame, values: Mapping[Key, Floats], *, class_groups: ClassGroups | None = None
) -> pd.DataFrame:
    """The estimate and interval of each metric, with the n it rests on. See `evaluate` for the columns."""
    cases = rows.drop_duplicates("case_id")
    members: dict[str, Sequence[str]] = {name: [name] for name in class_names(rows)} | dict(class_groups or {})
    incomplete = _share_undefined(values, [key for key in values if key[0] == "sensitivity"])
    lines = []
    for (metric, of), drawn in values.items():
        low, high = interval(drawn)
        is_macro = metric in METRICS and METRICS[metric].kind == "macro"
        lines.append(
            {
                "metric": metric,
                "class": of,
                "estimate": float(drawn[0]),
                "low": low,
                "high": high,
                "n": int(cases["target"].isin(list(members[of])).sum()) if of else len(cases),
                "patients": cases["patient_id"].nunique(),
                "undefined": incomplete if is_macro else _share_undefined(values, [(metric, of)]),
            }
        )
    return pd.DataFrame(lines)


def _share_undefined(values: Mapping[Key, Floats], keys: Sequence[Key]) -> float:
    """Share of resamples in which any of these is NaN, of those that are defined in the data."""
    defined = [values[key][1:] for key in keys if np.isfinite(values[key][0])]
    return float(np.isnan(np.stack(defined)).any(axis=0).mean()) if defined else float("nan")
