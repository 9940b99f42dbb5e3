"""Values that strict JSON can hold: NaN and infinity become null."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd


def plain(value: Any) -> Any:
    """Mappings, lists and tuples all the way down, with None for a number that is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """The rows of a table in values that JSON can hold, None for what is missing; [] where there is no table."""
    if table is None:
        return []
    clean = table.astype(object)
    rows: Iterable[dict[Any, Any]] = clean.where(clean.notna(), None).to_dict("records")
    return [plain(row) for row in rows]
