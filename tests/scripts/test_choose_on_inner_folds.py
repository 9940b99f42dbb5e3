"""Recipes are chosen inside the training part of a fold: nothing that is reported is read."""

from __future__ import annotations

from pathlib import Path

import choose_on_inner_folds as script
import pandas as pd

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.data.load import folds_of, load_cases
from mmskin.synthetic import make_clinic


def test_candidates_are_scored_on_the_training_part_alone(tmp_path: Path) -> None:
    make_clinic(tmp_path / "clinic", cases=150, seed=0)
    benchmark = Benchmark.model_validate(
        {
            "name": "candidates",
            "data": {"source": {"name": "synthetic"}, "root": str(tmp_path / "clinic"), "folds": 5},
            "seeds": [0],
            "primary": {"arm": "weak", "reference": "majority"},
            "features": str(tmp_path / "features"),
            "arms": {
                "weak": {"table": {"name": "logistic_regression", "c": [1e-6]}},
                "strong": {"table": {"name": "logistic_regression", "c": [0.1]}},
                "majority": {"table": {"name": "majority"}},
            },
        }
    )
    table = pd.DataFrame(script.scores(benchmark, tmp_path / "out", folds=[3], jobs=1)).set_index("arm")
    assert table.loss["strong"] < table.loss["weak"]
    assert list(table.fold) == [3, 3, 3]

    cases = load_cases(benchmark.data)
    outer = folds_of(benchmark.data, cases)
    answered = pd.read_parquet(tmp_path / "out" / "fold_3" / "predictions.parquet")
    assert set(answered.case_id) == set(outer.index[~outer.isin([3, 4])])
