"""mmskin's own table of answers: case_id, then prob_<class> in the model's order."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mmskin.api.table_formats.format_contract import TableFormat
from mmskin.schema import Schema


def check(schema: Schema, case_ids: Sequence[str]) -> None:
    """Any model, any ids."""


def to_write(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers as they are: cells of a case of which nothing is there are empty."""
    return answers


PROBABILITY_COLUMNS = TableFormat(check, to_write)
