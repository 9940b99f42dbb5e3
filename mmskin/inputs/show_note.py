"""The notes of one case as a model of an experiment would read them: `mmskin data note`."""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np

from mmskin.config.experiment import DataConfig
from mmskin.data.load import folds_of, folds_to_test, load_cases, prepare_fold, read_source
from mmskin.data.table import history_of
from mmskin.errors import DataError, first_of
from mmskin.inputs.note import render_note
from mmskin.schema import Schema


def notes_of(data: DataConfig, case_id: str, *, wordings: int = 0) -> list[str]:
    """The note of a case in its first wording, then in some of those that training varies.

    Raises:
        DataError: no such case.
    """
    table = read_source(data).table
    rows = table[table.case_id == case_id]
    if rows.empty:
        near = get_close_matches(case_id, list(table.case_id), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"there is no case {case_id!r} among {first_of(list(table.case_id), 3)}{hint}")
    schema = _readable(data)
    history = history_of(rows.iloc[0], schema)
    drawn = [render_note(history, schema, rng=np.random.default_rng(view)) for view in range(wordings)]
    return [render_note(history, schema), *drawn]


def _readable(data: DataConfig) -> Schema:
    """The declaration that the model of the first tested fold may see."""
    cases = load_cases(data)
    folds = folds_of(data, cases)
    return prepare_fold(data, cases, folds, folds_to_test(data, folds)[0]).schema
