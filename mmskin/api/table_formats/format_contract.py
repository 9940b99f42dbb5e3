"""What a format of answers promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from mmskin.schema import Schema


class TableFormat(NamedTuple):
    """How the answers for a table of cases are written.

    check: refuses a model or case ids that do not fit, before any case is answered; a `UserError`.
    to_write: the table of `Predictor.predict_table` (case_id, prob_<class>…) → the table as it is written; raises a
        `UserError` for answers that the format cannot hold.
    suffixes: of the files that may hold it; any if empty.
    """

    check: Callable[[Schema, Sequence[str]], None]
    to_write: Callable[[pd.DataFrame], pd.DataFrame]
    suffixes: tuple[str, ...] = ()
