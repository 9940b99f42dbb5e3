"""Facts of a finished run, read from its folder and asked of the machine that writes the report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.benchmark.provenance import machine, source_state
from mmskin.evaluation.predictions import class_names, group_names, reported_rows
from mmskin.evaluation.results import Results
from mmskin.report.pages import environment
from mmskin.report.sections.record import Plan, Record
from mmskin.schema import Schema


def read_record(
    plan: Plan,
    results: Results,
    output: Path,
    *,
    costs: Sequence[Mapping[str, Any]],
    replicates: int,
    command: str,
) -> Record:
    """Facts of a run whose cells are finished.

    Args:
        plan: of the run.
        results: of all arms but the controls.
        output: holds config.json, schema.json, folds.csv.
        costs: of its cells.
        replicates: number of resamples.
        command: what was typed.
    """
    test = reported_rows(results.table)
    cases = test.drop_duplicates("case_id")
    counted = cases["target"].value_counts()
    made = environment(command)
    finished = [path.stat().st_mtime for path in (output / "cells").rglob("predictions.parquet")]
    begun = (output / "config.json").stat().st_mtime
    return Record(
        plan=plan,
        schema=Schema.model_validate_json((output / "schema.json").read_text(encoding="utf-8")),
        folds=pd.read_csv(output / "folds.csv", dtype={"case_id": str, "patient_id": str}),
        fold_sum=hashlib.sha256((output / "folds.csv").read_bytes()).hexdigest(),
        tested=tuple(sorted(int(fold) for fold in set(test["fold"]))),
        counts={name: int(counted.get(name, 0)) for name in class_names(test)},
        patients=int(cases["patient_id"].nunique()),
        groups=group_names(test),
        ranked=tuple(dict.fromkeys(test["arm"])),
        replicates=replicates,
        detectable=next(float(row["detectable"]) for row in results.compared() if row["arm"] == plan.primary),
        cells=costs,
        begun=datetime.fromtimestamp(begun, UTC),
        ended=datetime.fromtimestamp(max(finished, default=begun), UTC),
        command=command,
        source=source_state(),
        machine=machine(),
        versions={name: made[name] for name in ("python", "torch", "timm", "transformers", "numpy", "scikit-learn")},
    )
