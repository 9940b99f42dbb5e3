"""What a finished run knows of itself: all that its methods paragraph and its TRIPOD+AI table are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.controls import control_names
from mmskin.benchmark.costs import read_costs
from mmskin.benchmark.provenance import machine, source_state
from mmskin.evaluation.predictions import class_names, group_names, reported_rows
from mmskin.report.pages import environment
from mmskin.report.results import Results
from mmskin.schema import Schema


class Record(NamedTuple):
    """Facts, each read from the run's folder or asked of the machine that writes the report.

    folds: case_id, patient_id, fold of every labelled case.
    fold_sum: sha256 of folds.csv.
    tested: numbers of the folds that were tested.
    counts: tested cases by class.
    groups: subgroups that are reported.
    ranked, controls: arms that are finished.
    cells: of the costs.
    begun, ended: when the folder was made and its last cell was finished, by the clock of its files.
    """

    benchmark: Benchmark
    schema: Schema
    folds: pd.DataFrame
    fold_sum: str
    tested: tuple[int, ...]
    counts: Mapping[str, int]
    patients: int
    groups: tuple[str, ...]
    ranked: tuple[str, ...]
    controls: tuple[str, ...]
    replicates: int
    detectable: float
    cells: list[dict[str, Any]]
    begun: datetime
    ended: datetime
    command: str
    source: str
    machine: str
    versions: Mapping[str, str]


def read_record(benchmark: Benchmark, results: Results, output: Path, *, replicates: int, command: str) -> Record:
    """Facts of a run whose cells are finished.

    Args:
        benchmark: as it was run.
        results: of all arms but the controls.
        output: holds config.json, schema.json, folds.csv, costs.json.
        replicates: number of resamples.
        command: what was typed.
    """
    test = reported_rows(results.table)
    cases = test.drop_duplicates("case_id")
    counted = cases["target"].value_counts()
    arms = tuple(dict.fromkeys(test["arm"]))
    assert results.differences is not None
    primary = results.differences[results.differences["arm"] == benchmark.primary.arm]
    primary = primary[primary["metric"] == benchmark.primary.metric]
    made = environment(command)
    finished = [path.stat().st_mtime for path in (output / "cells").rglob("predictions.parquet")]
    begun = (output / "config.json").stat().st_mtime
    return Record(
        benchmark=benchmark,
        schema=Schema.model_validate_json((output / "schema.json").read_text(encoding="utf-8")),
        folds=pd.read_csv(output / "folds.csv", dtype={"case_id": str, "patient_id": str}),
        fold_sum=hashlib.sha256((output / "folds.csv").read_bytes()).hexdigest(),
        tested=tuple(sorted(int(fold) for fold in set(test["fold"]))),
        counts={name: int(counted.get(name, 0)) for name in class_names(test)},
        patients=int(cases["patient_id"].nunique()),
        groups=group_names(test),
        ranked=arms,
        controls=tuple(control_names(benchmark)),
        replicates=replicates,
        detectable=float(primary["detectable"].iloc[0]),
        cells=read_costs(output),
        begun=datetime.fromtimestamp(begun, UTC),
        ended=datetime.fromtimestamp(max(finished, default=begun), UTC),
        command=command,
        source=source_state(),
        machine=machine(),
        versions={name: made[name] for name in ("python", "torch", "timm", "transformers", "numpy", "scikit-learn")},
    )
