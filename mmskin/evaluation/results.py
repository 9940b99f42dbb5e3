"""Predictions of finished runs, and everything that they are worth: what a report is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mmskin.errors import ConfigError, DataError, UserError, one_of
from mmskin.evaluation.differences import STANDARD, compare_arms
from mmskin.evaluation.intervals import evaluate
from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.paired_tests import paired_tests
from mmskin.evaluation.predictions import arm_names, check_predictions, read_predictions, reported_rows
from mmskin.evaluation.subgroup_gaps import evaluate_subgroup_gaps
from mmskin.evaluation.subgroups import evaluate_subgroups
from mmskin.schema import PatientUnit, Schema, common_unit


class Runs(NamedTuple):
    """What finished runs left behind.

    table: predictions of all of them.
    configs: of each, {} where there is none.
    class_groups, class_titles: as the data sets declare them.
    patient_unit: what a patient id stands for; "case" where data sets differ.
    """

    table: pd.DataFrame
    configs: list[dict[str, Any]]
    class_groups: Mapping[str, tuple[str, ...]]
    class_titles: Mapping[str, str] = {}
    patient_unit: PatientUnit = "patient"


def read_runs(runs: Sequence[Path], *, names: Sequence[str] = (), labels: pd.DataFrame | None = None) -> Runs:
    """Predictions, configs and declared classes of run folders, or predictions files alone.

    Args:
        runs: folders or files.
        names: one a run, "" for none; see `renamed`.
        labels: of files that hold answers alone; see `read_predictions`.

    Raises:
        UserError: a folder without predictions.
        DataError: see `joined_runs`.
    """
    given = [*names, *[""] * (len(runs) - len(names))]
    return joined_runs([renamed(read_run(run, labels=labels), name) for run, name in zip(runs, given, strict=True)])


def read_run(run: Path, *, labels: pd.DataFrame | None = None) -> Runs:
    """One of `read_runs`."""
    path = run / "predictions.parquet" if run.is_dir() else run
    if not path.exists():
        raise UserError(f"{run} holds no predictions.parquet; give the --output of a finished `mmskin train`")
    config, schema = path.parent / "config.json", path.parent / "schema.json"
    read = Runs(read_predictions(path, labels=labels), [json.loads(config.read_text()) if config.exists() else {}], {})
    if not schema.exists():
        return read
    declared = Schema.model_validate_json(schema.read_text())
    return Runs(*read[:2], declared.class_groups, declared.class_titles, declared.patient_unit)


def renamed(run: Runs, name: str) -> Runs:
    """The run with its only arm under another name, with several arms each as name-arm; "" leaves them as they are.

    A table without a column of arms has one.
    """
    if not name:
        return run
    arms = arm_names(run.table) if "arm" in run.table else ()
    new = {arm: name if len(arms) == 1 else f"{name}-{arm}" for arm in arms}
    return run._replace(table=run.table.assign(arm=run.table["arm"].map(new) if arms else name))


def joined_runs(runs: Sequence[Runs]) -> Runs:
    """Several runs as one.

    Raises:
        DataError: two of them answer the same case in an arm of the same name, fold and seed.
    """
    table = pd.concat([run.table for run in runs], ignore_index=True)
    key = [column for column in ("arm", "fold", "seed", "case_id") if column in table]
    doubled = table[table.duplicated(key)] if len(runs) > 1 and "arm" in table else table.iloc[:0]
    if len(doubled):
        arm = arm_names(doubled)[0]
        raise DataError(f"two runs have an arm {arm!r}: give each a name of its own, such as old={arm} new={arm}")
    return Runs(
        table,
        [config for run in runs for config in run.configs],
        {name: members for run in runs for name, members in run.class_groups.items()},
        {name: title for run in runs for name, title in run.class_titles.items()},
        common_unit({run.patient_unit for run in runs}),
    )


class Results(NamedTuple):
    """What predictions are worth; see `evaluate`, `compare_arms`, `paired_tests`, `evaluate_subgroups` and
    `evaluate_subgroup_gaps`.

    table: predictions of the cases that every arm answered; excluded: how many other cases there were.
    differences, tests: None without a reference.
    arm: of headline and figures, named in advance; the first one where none was named, never the best.
    subgroup_gaps: of that arm.
    reference: that the other arms are compared with, patient by patient; metric: of that comparison; shown: the metrics
        in which arms are compared, this one first; replicates: resamples of the patients.
    class_titles, class_groups, configs, patient_unit: see `Runs`.
    """

    table: pd.DataFrame
    excluded: int
    metrics: pd.DataFrame
    differences: pd.DataFrame | None
    tests: pd.DataFrame | None
    subgroups: pd.DataFrame
    arm: str
    reference: str | None
    metric: str
    class_titles: Mapping[str, str]
    configs: Sequence[Mapping[str, Any]]
    patient_unit: PatientUnit = "patient"
    shown: Sequence[str] = STANDARD
    replicates: int = 2000
    subgroup_gaps: pd.DataFrame | None = None
    class_groups: Mapping[str, tuple[str, ...]] = {}

    def overall(self, metric: str = "", *, subset: str = "all") -> pd.DataFrame:
        """A row an arm of one metric over all classes; of `self.metric` if none is named."""
        rows = self.metrics
        return rows[(rows["metric"] == (metric or self.metric)) & (rows["class"] == "") & (rows["subset"] == subset)]

    def compared(self) -> list[dict[Any, Any]]:
        """The differences to the reference in `self.metric`, one an arm; [] without a reference."""
        rows = self.differences
        return [] if rows is None else rows[rows["metric"] == self.metric].to_dict("records")


def evaluate_runs(
    runs: Runs,
    *,
    reference: str | None = None,
    primary: str | None = None,
    metric: str = STANDARD[0],
    metrics: Sequence[str] = STANDARD,
    replicates: int = 2000,
) -> Results:
    """Metrics of every arm, their differences to the reference, subgroups and the gaps between them.

    Args:
        runs: one arm or more.
        reference: arm that the others are compared with, patient by patient.
        primary: arm of the headline and the figures, named in advance; the first one if None.
        metric: of the comparison of the primary arm with the reference, named in advance.
        metrics: in which arms are compared as well.
        replicates: resamples of the patients.

    Raises:
        ConfigError: no such arm.
        DataError: tables that are no predictions, or of other cases where a comparison is asked for.
    """
    table, excluded = answered_by_all(check_predictions(runs.table))
    if not (table["split"] == "test").any():
        raise DataError("the predictions hold no test rows: there is nothing to report")
    arms = arm_names(reported_rows(table))
    if primary is not None and primary not in arms:
        raise ConfigError(one_of("primary arm", primary, arms))
    shown = tuple(dict.fromkeys([metric, *metrics]))
    differences = tests = None
    if reference:
        named = None if primary == reference else primary
        differences = compare_arms(table, reference=reference, primary=named, metrics=shown, replicates=replicates)
        tests = paired_tests(table, reference=reference, class_groups=runs.class_groups)
    fewer = min(replicates, 500)  # subgroups are many, and their intervals wide
    arm = primary or arms[0]
    return Results(
        table=table,
        excluded=excluded,
        metrics=evaluate(table, replicates=replicates, class_groups=runs.class_groups),
        differences=differences,
        tests=tests,
        subgroups=evaluate_subgroups(table, replicates=fewer, class_groups=runs.class_groups),
        subgroup_gaps=evaluate_subgroup_gaps(
            table[table["arm"] == arm], replicates=fewer, permutations=fewer, class_groups=runs.class_groups
        ),
        arm=arm,
        reference=reference,
        metric=metric,
        class_titles=runs.class_titles,
        class_groups=runs.class_groups,
        patient_unit=runs.patient_unit,
        configs=runs.configs,
        shown=shown,
        replicates=replicates,
    )


def answered_by_all(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The rows of cases that every arm has answered, and the number of cases excluded."""
    answered = [set(rows["case_id"]) for _, rows in table.groupby("arm")]
    common = set.intersection(*answered)
    return table[table["case_id"].isin(common)], len(set.union(*answered) - common)


def best_first(rows: pd.DataFrame, *, metric: str) -> pd.DataFrame:
    """Rows of one metric by their estimate; equal ones keep their order."""
    return rows.sort_values("estimate", ascending=METRICS[metric].better == "lower", kind="stable")


def in_order(results: Results) -> Results:
    """The same, with the arms of every table in one order: primary, reference, then the others, the best first."""
    named = [results.arm] if results.reference is None else [results.arm, results.reference]
    order = list(dict.fromkeys([*named, *best_first(results.overall(), metric=results.metric)["arm"]]))
    place = {arm: k for k, arm in enumerate(order)}

    def ordered(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.sort_values("arm", key=lambda arms: arms.map(place), kind="stable", ignore_index=True)

    differences = results.differences
    if differences is not None and len(differences):
        by_metric = [ordered(rows) for _, rows in differences.groupby("metric", sort=False)]
        differences = pd.concat(by_metric, ignore_index=True)
    return results._replace(
        metrics=ordered(results.metrics),
        differences=differences,
        tests=None if results.tests is None else ordered(results.tests),
        subgroups=ordered(results.subgroups),
    )
