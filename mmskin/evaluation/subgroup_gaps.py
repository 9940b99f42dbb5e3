"""Which subgroup is served worst, by how much, and could chance alone have made the gap?

Every value of a group_ column is compared with the other values on the same classes, in the same resamples of patients.
The worst value is picked by looking, and of enough values one always looks bad, so intervals of its gaps do not say
whether there is a gap at all. That is tested: if the group had nothing to do with the errors, given the true class, a
patient's group might as well have been that of another patient with the same classes. Labels are exchanged between such
patients (Good, *Permutation, parametric and bootstrap tests*, 2005); whoever has several cases takes over the labels of
a patient with as many of each class, all together. So every value keeps its number of cases of each class, and another
mix of classes is not taken for a gap. It is left out of the test, not of the gaps: beside each score stands the one
expected of the value's mix of classes if all values were alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mmskin.errors import ConfigError
from mmskin.evaluation.differences import holm
from mmskin.evaluation.intervals import (
    REPLICATES,
    ClassGroups,
    Key,
    Resamples,
    draw_patients,
    group_codes,
    interval,
    replicate,
)
from mmskin.evaluation.metrics import METRICS, Floats, Ints, Metric, group_metrics, mean_defined
from mmskin.evaluation.predictions import GROUP, arm_names, class_names, group_names, reported_rows
from mmskin.evaluation.subgroups import MIN_CASES, MIN_CLASS, NOT_RECORDED, TOO_FEW

PERMUTATIONS = 1000  # p is known to 0.7 points around .05, and Holm over ten columns leaves .01 within reach
MACRO: tuple[Key, ...] = (("balanced_accuracy", ""), ("macro_auroc", ""))
WORST, BEST = "worst", "best"
ALONE = "no other value to compare with"
NO_CLASSES = "no two classes with enough cases in every value"
NO_PART = "takes no part"
COLUMNS = (
    *("arm", "group", "metric", "class", "value", "n", "patients", "rank", "estimate", "low", "high", "expected"),
    *("gap_to_best", "gap_to_best_low", "gap_to_best_high", "gap_to_rest", "gap_to_rest_low", "gap_to_rest_high"),
    *("p", "p_holm", "exchanged", "note"),
)


def evaluate_subgroup_gaps(
    table: pd.DataFrame,
    *,
    replicates: int = REPLICATES,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    class_groups: ClassGroups | None = None,
    min_cases: int = MIN_CASES,
    min_class: int = MIN_CLASS,
) -> pd.DataFrame:
    """Balanced accuracy, macro AUROC and the sensitivity of class groups, compared between the values of a column.

    Macro metrics average the classes that have enough cases in every compared value, so a score may rest on fewer
    classes here than in `evaluate_subgroups`; note names those left out.

    Args:
        table: predictions; only test rows are read.
        replicates: number of resamples of patients, the same for all values of a column.
        permutations: random exchanges of the group between patients of the same classes.
        seed: of both.
        class_groups: named sets of classes.
        min_cases: a value with fewer cases takes no part: it is neither compared nor among the rest.
        min_class: nor does one without two classes of as many cases, nor, for a class group, one with fewer cases on
            either side.

    Returns:
        One row per arm, group, metric, class (a class group or "") and value:
        n, patients: of the value. rank: "worst", "best" or "", the first one at a tie.
        estimate, low, high: its score with a 95 % interval; expected: its mean score over the exchanges, what it would
        score if all values were alike, at its mix of classes (cases that cannot be exchanged count as they are).
        gap_to_best: minus the score of the best value, at most 0; gap_to_rest: minus that of all other compared cases;
        each with the interval of the same resamples, best and worst held as they are in the data.
        p: that all values are alike, against the largest distance from expected in units of its spread under exchange,
        in either direction; one for all values of the column and metric, never 0. p_holm: over the columns of an arm,
        within a metric. exchanged: share of the cases whose label changed in any permutation; where few can be
        exchanged, p says little.
        note: what was too few, or why the value is not compared; its numbers are NaN then. A case whose group is not
        known stands under "not recorded" and takes no part.

    Raises:
        ConfigError: replicates or permutations below 1.
        DataError: no test rows, or a class group with an unknown class.
    """
    if permutations < 1:
        raise ConfigError(f"permutations must be 1 or more, however: permutations={permutations}")
    test = reported_rows(table)
    lines: list[dict[str, Any]] = []
    for arm in arm_names(test):
        rows = test[test["arm"] == arm]
        for group in group_names(test):
            comparisons = _comparisons(rows, group, class_groups or {}, min_cases=min_cases, min_class=min_class)
            for comparison in comparisons:
                found = _compared(rows, comparison, replicates=replicates, permutations=permutations, seed=seed)
                lines += [{"arm": arm, "group": group, **line} for line in found]
    return _corrected(pd.DataFrame(lines, columns=list(COLUMNS)))


class _Comparison(NamedTuple):
    """The values of one column, and the metrics by which they are compared.

    cases: one row a case, of all values, with a column value.
    metrics: by metric and class group.
    values: that are compared, in order; none where there are not two.
    notes: by value, of all values.
    classes: that macro metrics average.
    """

    cases: pd.DataFrame
    metrics: Mapping[Key, Metric]
    values: Sequence[str]
    notes: Mapping[str, str]
    classes: Sequence[str]


def _comparisons(
    rows: pd.DataFrame, group: str, class_groups: ClassGroups, *, min_cases: int, min_class: int
) -> list[_Comparison]:
    """Macro metrics share one comparison; every class group has its own, as other values may be too few for it."""
    names = class_names(rows)
    recorded = rows[GROUP + group].astype(object)
    cases = rows[["case_id", "patient_id", "target"]].assign(
        value=recorded.where(recorded.notna(), NOT_RECORDED).astype(str)
    )
    cases = cases.drop_duplicates("case_id")
    sizes = pd.crosstab(cases["value"], cases["target"]).reindex(columns=list(names), fill_value=0)
    enough = (sizes.sum(axis=1) >= min_cases) & ((sizes >= min_class).sum(axis=1) >= 2)
    enough &= sizes.index != NOT_RECORDED

    shared = (sizes[enough] >= min_class).all()
    classes = [name for name in names if shared[name]]
    notes = _notes(enough)
    if len(classes) < 2:
        notes = {value: note or NO_CLASSES for value, note in notes.items()}
    elif len(classes) < len(names):
        without = f"without {', '.join(name for name in names if name not in classes)}"
        notes = {value: note or without for value, note in notes.items()}
    compared = _two_or_more(enough) if len(classes) >= 2 else []
    found = [_Comparison(cases, {key: METRICS[key[0]] for key in MACRO}, compared, notes, classes)]
    for name, codes in group_codes(names, class_groups).items():
        inside = sizes[list(class_groups[name])].sum(axis=1)
        both = enough & (inside >= min_class) & (sizes.sum(axis=1) - inside >= min_class)
        metrics = {("group_sensitivity", name): group_metrics(codes)["group_sensitivity"]}
        found.append(_Comparison(cases, metrics, _two_or_more(both), _notes(both), names))
    return found


def _two_or_more(enough: pd.Series) -> list[str]:
    values = [str(value) for value in enough.index[enough]]
    return values if len(values) >= 2 else []


def _notes(enough: pd.Series) -> dict[str, str]:
    """Why a value is not compared; "" where it is."""
    inside = "" if enough.sum() >= 2 else ALONE
    outside = {str(value): NO_PART if value == NOT_RECORDED else TOO_FEW for value in enough.index}
    return {value: inside if enough[value] else reason for value, reason in outside.items()}


def _compared(
    rows: pd.DataFrame, comparison: _Comparison, *, replicates: int, permutations: int, seed: int
) -> list[dict[str, Any]]:
    """A line a metric and value, in the columns of `evaluate_subgroup_gaps` but arm, group and p_holm."""
    numbers: dict[tuple[Key, str], dict[str, Any]] = {}
    if comparison.values:
        numbers = _numbers(rows, comparison, replicates=replicates, permutations=permutations, seed=seed)
    lines = []
    for key in comparison.metrics:
        for value, note in comparison.notes.items():
            cases = comparison.cases[comparison.cases["value"] == value]
            line = {"metric": key[0], "class": key[1], "value": value, "n": len(cases), "rank": "", "note": note}
            lines.append(line | {"patients": cases["patient_id"].nunique()} | numbers.get((key, value), {}))
    return lines


def _numbers(
    rows: pd.DataFrame, comparison: _Comparison, *, replicates: int, permutations: int, seed: int
) -> dict[tuple[Key, str], dict[str, Any]]:
    values = comparison.values
    cases = comparison.cases[comparison.cases["value"].isin(list(values))]
    labels = pd.Index(values).get_indexer(pd.Index(cases["value"])).astype(np.int64)
    drawn = draw_patients(cases["patient_id"], replicates=replicates, seed=seed).weights(cases["patient_id"])
    exchanged = permuted_labels(cases, labels, permutations=permutations, seed=seed)
    share = float((exchanged != labels).any(axis=0).mean())

    parts = []
    for code in range(len(values)):
        inside = labels == code
        # A long vector of draws costs little more than a short one: all draws of a value go through metrics at once.
        draws = np.concatenate([drawn * inside, drawn * ~inside, exchanged == code])
        parts.append(_scores(rows, comparison, cases["case_id"], draws))

    numbers: dict[tuple[Key, str], dict[str, Any]] = {}
    for key in comparison.metrics:
        all_draws = np.stack([part[key] for part in parts])
        scores, others, under_exchange = np.split(all_draws, [len(drawn), 2 * len(drawn)], axis=1)
        worst, best = int(np.argmin(scores[:, 0])), int(np.argmax(scores[:, 0]))
        p = _p_alike(under_exchange)
        for code, value in enumerate(values):
            numbers[key, value] = {
                "rank": WORST if code == worst else BEST if code == best else "",
                **_with_interval("estimate", scores[code], low="low", high="high"),
                "expected": float(mean_defined(under_exchange[code], axis=0)),
                **_with_interval("gap_to_best", scores[code] - scores[best]),
                **_with_interval("gap_to_rest", scores[code] - others[code]),
                "p": p,
                "exchanged": share,
            }
    return numbers


def _scores(rows: pd.DataFrame, comparison: _Comparison, case_ids: pd.Series, weights: Floats) -> dict[Key, Floats]:
    """(K,) by metric, of some cases with a weight each in every draw, (K, cases)."""
    some = rows[rows["case_id"].isin(case_ids)]
    by_case = Resamples(pd.Index(case_ids), weights)  # drawn case by case here: each is its own patient
    found = replicate(
        some.assign(patient_id=some["case_id"]),
        resamples=by_case,
        metrics={" ".join(key): metric for key, metric in comparison.metrics.items()},
        macro_over=comparison.classes,
    )
    return {key: found[" ".join(key), ""] for key in comparison.metrics}


def _with_interval(name: str, values: Floats, *, low: str = "", high: str = "") -> dict[str, float]:
    lower, upper = interval(values)
    return {name: float(values[0]), low or f"{name}_low": lower, high or f"{name}_high": upper}


def permuted_labels(cases: pd.DataFrame, labels: Ints, *, permutations: int, seed: int = 0) -> Ints:
    """Labels exchanged between patients who have the same classes, as many cases of each.

    Args:
        cases: (N,) rows with case_id, patient_id and target.
        labels: (N,), of a case.
        permutations: number of random exchanges, B.
        seed: of the exchanges, which do not depend on the order of the rows.

    Returns:
        (1 + B, N), the labels as they are first. A patient's labels move together, class by class; those of a patient
        whose classes nobody else has stay.
    """
    patients, targets, names = (
        pd.factorize(cases[column], sort=True)[0] for column in ("patient_id", "target", "case_id")
    )
    order = np.lexsort((names, targets, patients))
    starts = np.flatnonzero(np.diff(patients[order])) + 1
    alike: dict[tuple[int, ...], list[Ints]] = {}
    for places in np.split(order, starts):
        alike.setdefault(tuple(targets[places].tolist()), []).append(places)

    rng = np.random.default_rng(seed)
    drawn: Ints = np.tile(labels, (1 + permutations, 1))
    for _, blocks in sorted(alike.items()):
        places = np.stack(blocks)  # (patients, cases of each)
        moved = rng.permuted(np.tile(np.arange(len(places)), (permutations, 1)), axis=1)
        drawn[1:, places] = labels[places][moved]
    return drawn


def _p_alike(scores: Floats) -> float:
    """p of (V, 1 + B) scores of the values, the data first: the share of draws in which a value is as far out.

    Centre and spread of a value are those over all draws, the data with them, so that all draws are treated alike. A
    score that no exchange can change says nothing; one that is undefined in a draw counts as far out there.
    """
    distance = np.abs(scores - mean_defined(scores, axis=1)[:, None])
    spread = np.sqrt(mean_defined(distance**2, axis=1))[:, None]
    scaled = np.divide(distance, spread, out=np.zeros_like(distance), where=spread > 1e-12)  # above rounding
    furthest = np.where(np.isnan(scores), np.inf, scaled).max(axis=0)
    return float((furthest >= furthest[0] * (1 - 1e-9)).mean())


def _corrected(gaps: pd.DataFrame) -> pd.DataFrame:
    """With p_holm: over the columns of an arm that are tested, within each metric."""
    tested = gaps[gaps["rank"] == WORST]
    for _, columns in tested.groupby(["arm", "metric", "class"], sort=False):
        for (_, line), p in zip(columns.iterrows(), holm(columns["p"].tolist()), strict=True):
            same = (gaps[["arm", "group", "metric", "class"]] == line[["arm", "group", "metric", "class"]]).all(axis=1)
            gaps.loc[same & gaps["p"].notna(), "p_holm"] = p
    return gaps
