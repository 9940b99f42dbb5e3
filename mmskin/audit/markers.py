"""Do pen, ruler and the like in the photo give the class away? Only where the table says in which photos they are.

A marker is a column beside the fields (an outcome, a subgroup, a column that a source adds) with one of `WORDS` in its
name: `pen`, `marker_ruler`, `MONET_hair`. Nothing is guessed from the photos: without such a column it is not known.
"""

from __future__ import annotations

import re

import pandas as pd

from mmskin.audit.columns import questions, tell
from mmskin.audit.held_out import HeldOut
from mmskin.data.table import COLUMNS
from mmskin.schema import Schema

WORDS = (
    *("bubble", "bubbles", "gel", "hair", "ink", "marker", "markers", "marking", "markings"),
    *("pen", "ruler", "sticker", "stickers", "vignette"),
)
LOW = 0.60  # an interval that begins here or above is a suspicion, as for recorded-flags
SUSPICION = "marker goes with the class"
NOT_KNOWN = "not known: no column says in which photos a pen mark, ruler, gel or hair is seen"


def marker_columns(table: pd.DataFrame, schema: Schema) -> list[str]:
    """Columns that tell of marks in the photo. A field is what the patient says, and never one of them."""
    beside = [str(name) for name in table.columns if name not in (*COLUMNS, *schema.field_names)]
    return [name for name in beside if set(re.split(r"[^a-z]+", name.lower())) & set(WORDS)]


def read_markers(held_out: HeldOut, schema: Schema) -> pd.DataFrame:
    """AUROC of every marker for every class and class group; no row where none is known (`NOT_KNOWN`).

    Returns:
        column, read_as, against (a class or class group), auroc, low, high, n, positives, patients, verdict: empty,
        `SUSPICION` where the interval begins at .60 or above. NaN where there are too few, see `counts.RULE`.
    """
    sides = questions(held_out, schema)
    rows = []
    for name in marker_columns(held_out.cases, schema):
        for against, positive in sides.items():
            told = tell(held_out.cases[name], positive, held_out=held_out)
            verdict = SUSPICION if told.auroc.low >= LOW else ""
            rows.append((name, told.read_as, against, *told.auroc, told.n, told.positives, told.patients, verdict))
    columns = ["column", "read_as", "against", "auroc", "low", "high", "n", "positives", "patients", "verdict"]
    return pd.DataFrame(rows, columns=columns)
