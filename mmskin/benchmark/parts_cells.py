"""The primary arm once more on its validation and test cases, with each set of parts there: a table beside its cell.

From it alone follows how calibration, answer sets and triage do on test cases: they are fitted to validation rows
again, as in a saved model. Columns beside those of predictions: scenario, the key of the parts; rate, 0; red_flag.
"""

from __future__ import annotations

import pandas as pd

from mmskin.benchmark.run.fold_predictions import predictions_table
from mmskin.benchmark.run.grid import Cell
from mmskin.data.load import Fold
from mmskin.trained.ensemble import Trained
from mmskin.trained.parts_there import is_flagged, key_of, parts_read, subsets
from mmskin.trained.safeguards import answered_with


def parts_answers(trained: Trained, fold: Fold, cell: Cell) -> pd.DataFrame:
    """What a model answers of the validation and test cases that have all parts of a set, with these alone."""
    tables = []
    for parts in subsets(parts_read(trained.modalities)):
        for split, rows in (("val", fold.split.val), ("test", fold.split.test)):
            shown, probs = answered_with(trained, rows, parts)
            table = predictions_table(shown, probs, fold, cell, split=split)
            flags = is_flagged(shown, fold.schema)
            tables.append(table.assign(scenario=key_of(parts), rate=0.0, red_flag=flags))
    return pd.concat(tables, ignore_index=True)
