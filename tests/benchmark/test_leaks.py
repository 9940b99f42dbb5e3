"""Nothing of the test rows reaches a fit: neither their labels nor their being there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from benchmark.small_benchmark import ARMS, planned_run, small_benchmark

from mmskin.benchmark.resolve import waves
from mmskin.benchmark.run.cell import run_cell
from mmskin.benchmark.run.grid import Cell
from mmskin.evaluation.predictions import read_predictions

TABLE_ARMS = {
    "boosting": {"table": {"name": "gradient_boosting", "on": ["fields", "image"], "trees": 5}},
    "flags": {"table": {"name": "flags_only"}},
    "majority": {"table": {"name": "majority"}},
}


def probabilities(pad_folder: Path, output: Path, *, changed: bool) -> pd.DataFrame:
    """Of every arm by arm, split and case, on fold 0; changed: test labels shuffled, and a half of the cases gone."""
    benchmark = small_benchmark(pad_folder, output.parent / "features", arms=ARMS | TABLE_ARMS, seeds=[0])
    plan = planned_run(benchmark, output)
    fold = plan.folds["late", 0]
    if changed:
        test = fold.split.test
        labels = np.random.default_rng(0).permutation(test.target)
        assert (labels != test.target).any()
        kept = test.assign(target=labels)[::2].reset_index(drop=True)
        fold = fold._replace(split=fold.split._replace(test=kept))
    tables = []
    for arm in (arm for wave in waves(plan.arms) for arm in wave):
        cell = Cell(arm.name, 0, 0)
        run_cell(plan.task(arm, cell, progress=False)._replace(fold=fold, missing_rates=()))
        tables.append(read_predictions(cell.predictions(output)))
    return pd.concat(tables).set_index(["arm", "split", "case_id"]).filter(like="prob_")


def test_no_arm_answers_otherwise_when_test_rows_are_others(pad_folder: Path, tmp_path: Path) -> None:
    first = probabilities(pad_folder, tmp_path / "first", changed=False)
    second = probabilities(pad_folder, tmp_path / "second", changed=True)
    assert len(second) < len(first)
    assert set(second.index.unique("arm")) == {*ARMS, *TABLE_ARMS}
    same = first.loc[second.index]
    val = same.index.get_level_values("split") == "val"
    pd.testing.assert_frame_equal(same[val], second[val], check_exact=True)
    pd.testing.assert_frame_equal(same, second, atol=1e-6, rtol=0)  # other batches: float32 sums in another order
