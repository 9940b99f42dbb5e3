"""Every arm once more on its test cases, of which parts are missing: a table beside the predictions of the cell.

The arm is not fitted again. Its first seed alone is asked, and every rate is drawn once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.run.grid import Cell
from mmskin.data.load import Fold
from mmskin.data.missing_parts import alter, parts_of, scenarios
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import PROB, write_predictions
from mmskin.schema import Schema
from mmskin.trained.trained_model import Predict
from mmskin.training.run import predictions_table


def altered_rows(benchmark: Benchmark, fold: Fold) -> Iterator[pd.DataFrame]:
    """The test rows of a fold in every scenario, its name and rate in two further columns; none if it is switched off.

    What parts there are is asked of all rows of the fold, so that all folds have the same scenarios.
    """
    if benchmark.missing_parts is None:
        return
    parts = parts_of(pd.concat(list(fold.split)), fold.schema)
    for scenario in scenarios(parts, benchmark.missing_parts.rates):
        rows = alter(fold.split.test, fold.schema, scenario, seed=benchmark.seeds[0])
        yield rows.assign(scenario=scenario.name, rate=scenario.rate)


def is_asked(benchmark: Benchmark, arm: str) -> bool:
    """Whether an arm is asked about missing parts: no control is, whose histories say nothing as they are."""
    return benchmark.missing_parts is not None and not benchmark.arms[arm].shuffle_histories


def write_missing(
    benchmark: Benchmark, cell: Cell, fold: Fold, output: Path, predict: Predict, predictions: pd.DataFrame
) -> None:
    """missing.parquet of a cell, whole or not at all; nothing for further seeds, a control, or if it is switched off.

    A case of which the arm has nothing to go by is written down as not answered, with the mean probabilities of the
    arm's validation rows: all that it knows of a case it has not seen. So all scenarios have the same cases.

    Args:
        benchmark: says at which rates.
        cell: which arm, fold and seed.
        fold: its rows, and the fields that the arm sees.
        output: folder of the benchmark.
        predict: the fitted arm.
        predictions: what it has answered of this fold, for the validation rows.
    """
    if not is_asked(benchmark, cell.arm) or cell.seed != benchmark.seeds[0]:
        return
    val = predictions[predictions["split"] == "val"]
    expected = val[[PROB + name for name in fold.schema.classes]].to_numpy(dtype=np.float64).mean(axis=0)
    ask, tables = asked_once(predict, fold.schema), []
    for rows in altered_rows(benchmark, fold):
        answer = ask(rows)
        answered = np.asarray(~np.isnan(answer).any(axis=1))
        answer = np.where(answered[:, None], answer, expected)
        table = predictions_table(rows, answer, fold, arm=cell.arm, seed=cell.seed, split="test")
        tables.append(table.assign(scenario=rows["scenario"], rate=rows["rate"], answered=answered))
    write_predictions(pd.concat(tables, ignore_index=True), cell.missing(output))


def asked_once(predict: Predict, schema: Schema) -> Predict:
    """The same answers, computed once for equal cases: of many a case a scenario hides what another one hides too."""
    known: dict[tuple[Any, ...], Floats] = {}
    read = ["case_id", "images", "text", *schema.field_names]

    def ask(rows: pd.DataFrame) -> Floats:
        cases = list(rows[read].itertuples(index=False, name=None))
        new = [place for place, case in enumerate(cases) if case not in known]
        if new:
            answers = predict(rows.iloc[new].reset_index(drop=True))
            known.update(zip((cases[place] for place in new), answers, strict=True))
        return np.array([known[case] for case in cases])

    return ask


def answered_in(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """What a missing.parquet holds of the scenario that these rows stand in, the answered cases alone."""
    same = (table["scenario"] == rows["scenario"].iloc[0]) & (table["rate"] == rows["rate"].iloc[0])
    answered: pd.DataFrame = table[same & table["answered"]]
    return answered
