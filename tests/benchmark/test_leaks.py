"""Nothing of the test rows reaches a fit: neither their labels nor their being there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from benchmark.small_benchmark import ARMS, small_benchmark

from mmskin.benchmark.run.cell import CellTask, run_cell
from mmskin.benchmark.run.grid import cells_of
from mmskin.data.load import Fold, folds_of, load_cases, prepare_fold
from mmskin.evaluation.predictions import read_predictions

TABLE_ARMS = {
    "boosting": {"table": {"name": "gradient_boosting", "on": ["fields", "image"], "trees": 5}},
    "flags": {"table": {"name": "flags_only"}},
    "majority": {"table": {"name": "majority"}},
}


def probabilities(pad_folder: Path, output: Path, *, changed: bool) -> pd.DataFrame:
    """Of every arm by arm, split and case, on fold 0; changed: test labels shuffled, and a half of the cases gone."""
    benchmark = small_benchmark(pad_folder, output.parent / "features", arms=ARMS | TABLE_ARMS, seeds=[0])
    cases = load_cases(benchmark.data)
    fold = prepare_fold(benchmark.data, cases, folds_of(benchmark.data, cases), 0)
    if changed:
        test = fold.split.test
        labels = np.random.default_rng(0).permutation(test.target)
        assert (labels != test.target).any()
        kept = test.assign(target=labels)[::2].reset_index(drop=True)
        fold = Fold(fold.number, fold.split._replace(test=kept), fold.schema)
    tables = []
    for cell in cells_of(benchmark, [0]):
        run_cell(CellTask(benchmark, cell, fold, output))
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
