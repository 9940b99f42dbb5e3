"""Columns that are named like what a public data set keeps of the time after the diagnosis: `dx_type`, `biopsed`.

Own tables are often made of public ones, and keep their words. In its own data set such a column is refused as an
input; in another table a name is a reason to ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from mmskin.data.column_names import plain_name
from mmskin.data.sources import SOURCES
from mmskin.data.tables.declaration import A_MODELS_READING, is_declared, read_declaration


class KnownOutcome(NamedTuple):
    """source: the data set that declares it; reason: why it is no input there."""

    source: str
    reason: str


def outcomes_by_name(names: Iterable[str], *, of: str) -> dict[str, KnownOutcome]:
    """Those of the names that a data set other than `of` declares as an outcome, capitals and separators aside."""
    known = _declared()
    found = {name: known[plain_name(name)] for name in names if plain_name(name) in known}
    return {name: outcome for name, outcome in found.items() if outcome.source != of}


@cache
def _declared() -> dict[str, KnownOutcome]:
    declarations = {name: read_declaration(name) for name in SOURCES if is_declared(name)}
    scores = {
        plain_name(c): KnownOutcome(n, A_MODELS_READING) for n, of in declarations.items() for c in of.photo_scores
    }
    outcomes = {plain_name(c): KnownOutcome(n, why) for n, of in declarations.items() for c, why in of.outcomes.items()}
    return scores | outcomes
