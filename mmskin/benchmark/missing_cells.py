"""Every arm once more on its test cases, of which parts are missing: a table beside the predictions of the cell.

The arm is not fitted again. Its first seed alone is asked, and every rate is drawn once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmskin.benchmark.run.fold_predictions import predictions_table
from mmskin.benchmark.run.grid import Cell
from mmskin.data.load import Fold
from mmskin.data.missing_parts import alter, parts_of, scenarios
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import PROB
from mmskin.schema import Schema
from mmskin.trained.trained_model import Predict


def altered_rows(fold: Fold, rates: Sequence[float], *, seed: int) -> Iterator[pd.DataFrame]:
    """The test rows of a fold in every scenario, its name and rate in two further columns.

    What parts there are is asked of all rows of the fold, so that all folds have the same scenarios.
    """
    parts = parts_of(pd.concat(list(fold.split)), fold.schema)
    for scenario in scenarios(parts, rates):
        rows = alter(fold.split.test, fold.schema, scenario, seed=seed)
        yield rows.assign(scenario=scenario.name, rate=scenario.rate)


def missing_answers(
    predict: Predict, fold: Fold, cell: Cell, predictions: pd.DataFrame, rates: Sequence[float]
) -> pd.DataFrame:
    """What an arm answers of its test cases in every scenario.

    A case of which the arm has nothing to go by is written down as not answered, with `expected_answer`. So all
    scenarios have the same cases.

    Args:
        predict: the fitted arm.
        fold: its rows, and the fields that the arm sees.
        cell: which arm, fold and seed.
        predictions: what it has answered of this fold, for the validation rows.
        rates: shares of the fields that are hidden.
    """
    expected = expected_answer(predictions, fold.schema)
    ask, tables = asked_once(predict, fold.schema), []
    for rows in altered_rows(fold, rates, seed=cell.seed):
        answer = ask(rows)
        answered = np.asarray(~np.isnan(answer).any(axis=1))
        answer = np.where(answered[:, None], answer, expected)
        table = predictions_table(rows, answer, fold, cell, split="test")
        tables.append(table.assign(scenario=rows["scenario"], rate=rows["rate"], answered=answered))
    return pd.concat(tables, ignore_index=True)


def expected_answer(predictions: pd.DataFrame, schema: Schema) -> Floats:
    """(C,) mean probabilities of an arm's validation rows: all that it knows of a case it has not seen."""
    val = predictions[predictions["split"] == "val"]
    return np.asarray(val[[PROB + name for name in schema.classes]].to_numpy(dtype=np.float64).mean(axis=0))


def asked_once(predict: Predict, schema: Schema) -> Predict:
    """The same answers, computed once for equal cases: of many a case a scenario hides what another one hides too."""
    known: dict[tuple[Any, ...], Floats] = {}
    read = ["case_id", "images", "image_kinds", "text", *schema.field_names]

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
