"""The same numbers for parts of the patients, with how many they rest on, and silence where these are too few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmskin.evaluation.intervals import REPLICATES, ClassGroups, Key, Resamples, draw_patients, replicate, summarize
from mmskin.evaluation.metrics import METRICS, Floats
from mmskin.evaluation.predictions import GROUP, arm_names, class_names, group_names, reported_rows

MIN_CASES = 30  # below it a 95 % interval of a share spans up to 36 points: nothing could be concluded
MIN_CLASS = 5  # of a class, or on either side of a class group
NOT_RECORDED = "not recorded"
TOO_FEW = "too few to say"
COLUMNS = ("arm", "group", "value", "metric", "class", "estimate", "low", "high", "n", "patients", "undefined", "note")
SHOWN = ("balanced_accuracy", "macro_auroc", "sensitivity")


def evaluate_subgroups(
    table: pd.DataFrame,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
    class_groups: ClassGroups | None = None,
    min_cases: int = MIN_CASES,
    min_class: int = MIN_CLASS,
) -> pd.DataFrame:
    """Balanced accuracy, macro AUROC, sensitivities and class groups, for every value of every group_ column.

    Subgroups differ in their mix of classes, so a difference between them is not by itself a difference in how well
    they are served: compare the sensitivities class by class as well.

    Args:
        table: predictions; only test rows are read.
        replicates: number of resamples of patients.
        seed: of the resamples.
        class_groups: named sets of classes.
        min_cases: a subgroup with fewer cases gets no numbers.
        min_class: a class with fewer cases in the subgroup gets no number and is left out of macro means.

    Returns:
        One row per arm, group, value, metric and class: arm, group, value, metric, class, estimate, low, high, n,
        patients, undefined, note. note says what was too few, or which classes a macro mean leaves out. A case whose
        group is not known counts under "not recorded".
    """
    test = reported_rows(table)
    parts: list[pd.DataFrame] = []
    draws: dict[tuple[str, ...], Resamples] = {}  # most arms have the same patients in a subgroup
    for arm in arm_names(test):
        of_arm = test[test["arm"] == arm]
        for group in group_names(test):
            recorded = of_arm[GROUP + group].astype(object)
            values = recorded.where(recorded.notna(), NOT_RECORDED).astype(str)
            for value, rows in of_arm.groupby(values, sort=True):
                patients = tuple(sorted(set(rows["patient_id"])))
                if patients not in draws:
                    draws[patients] = draw_patients(rows["patient_id"], replicates=replicates, seed=seed)
                part = _one_subgroup(
                    rows,
                    resamples=draws[patients],
                    class_groups=class_groups or {},
                    min_cases=min_cases,
                    min_class=min_class,
                )
                for place, (column, name) in enumerate({"arm": arm, "group": group, "value": value}.items()):
                    part.insert(place, column, name)
                parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _one_subgroup(
    rows: pd.DataFrame,
    *,
    resamples: Resamples,
    class_groups: ClassGroups,
    min_cases: int,
    min_class: int,
) -> pd.DataFrame:
    cases = rows.drop_duplicates("case_id")
    sizes = cases["target"].value_counts().reindex(list(class_names(rows)), fill_value=0)
    kept = [str(name) for name in sizes.index[sizes >= min_class]]
    if len(cases) < min_cases or len(kept) < 2:
        return _silent(cases)
    values = replicate(
        rows,
        resamples=resamples,
        metrics={name: METRICS[name] for name in SHOWN},
        class_groups=class_groups,
        macro_over=kept,
    )
    notes = {key: _note(key, sizes, class_groups, kept, min_class) for key in values}
    for key, note in notes.items():
        if note == TOO_FEW:
            values[key] = np.full_like(values[key], np.nan)
    part = summarize(rows, values, class_groups=class_groups)
    return part.assign(note=list(notes.values()))


def _note(key: Key, sizes: pd.Series, class_groups: ClassGroups, kept: Sequence[str], min_class: int) -> str:
    metric, of = key
    if of in class_groups:
        inside = int(sizes[list(class_groups[of])].sum())
        return TOO_FEW if min(inside, int(sizes.sum()) - inside) < min_class else ""
    if of:
        return "" if of in kept else TOO_FEW
    left_out = [f"{name} ({count})" for name, count in sizes.items() if name not in kept]
    return f"without {', '.join(left_out)}" if left_out and metric in METRICS else ""


def _silent(cases: pd.DataFrame) -> pd.DataFrame:
    """The headline metrics of a subgroup that says nothing, with its n."""
    values: dict[Key, Floats] = {(name, ""): np.full(2, np.nan) for name in SHOWN[:2]}
    return summarize(cases, values).assign(note=TOO_FEW)
