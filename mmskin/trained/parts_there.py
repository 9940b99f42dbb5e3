"""Which parts of a case are there: each kind of photo, and the history. What is known of one set of parts is not known
of another: an answer without the history is another answer, with a calibration and sets of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.data.missing_parts import FIELDS, WORDS, keep_parts, photo_part
from mmskin.data.table import histories, photos_by_kind
from mmskin.features import is_photo
from mmskin.schema import Schema

HISTORY = "history"


def parts_read(modalities: Sequence[str]) -> tuple[str, ...]:
    """What a model can read: kinds of photo, and "history" if it reads note or fields."""
    photos = [modality for modality in modalities if is_photo(modality)]
    return (*photos, *([HISTORY] if len(photos) < len(modalities) else []))


def subsets(parts: Sequence[str]) -> list[tuple[str, ...]]:
    """Every set of parts but the empty one, the whole first."""
    return [chosen for size in range(len(parts), 0, -1) for chosen in combinations(parts, size)]


def key_of(parts: Sequence[str]) -> str:
    """The name of a set of parts, such as "image+history"."""
    return "+".join(parts)


def parts_there(modalities: Sequence[str], present: Mapping[str, bool]) -> str:
    """The key of the parts of one case, "" if nothing is there.

    Args:
        modalities: that the model reads.
        present: by modality.
    """
    there = [modality for modality in modalities if present[modality]]
    return key_of(parts_read(there))


def parts_of_rows(rows: pd.DataFrame, schema: Schema, modalities: Sequence[str]) -> list[str]:
    """By case of a table, the key of its parts; "" where nothing is there that is read."""
    reads_text, kinds = "text" in modalities, [modality for modality in modalities if is_photo(modality)]
    keys = []
    for photos, history in zip(photos_by_kind(rows, schema), histories(rows, schema), strict=True):
        has_history = bool(history.recorded()) or (reads_text and bool(history.text))
        reads_history = len(kinds) < len(modalities)
        there = [kind for kind in kinds if photos[kind]]
        keys.append(key_of([*there, *([HISTORY] if has_history and reads_history else [])]))
    return keys


def with_parts(rows: pd.DataFrame, schema: Schema, parts: Sequence[str]) -> pd.DataFrame:
    """A copy of a table of cases with these parts alone."""
    kept = [part for name in parts for part in ((FIELDS, WORDS) if name == HISTORY else (photo_part(name),))]
    return keep_parts(rows, schema, kept)


def is_flagged(rows: pd.DataFrame, schema: Schema) -> NDArray[Any]:
    """(N,) bool, whether the history of a case raises a red flag."""
    return np.array([bool(schema.raised_flags(history)) for history in histories(rows, schema)], dtype=bool)
