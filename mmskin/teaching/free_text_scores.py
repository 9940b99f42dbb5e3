"""How well the facts of free texts are read: shares by style and in all, each with its count.

A fact is right where the value read is the value stated; a field that the text states and the reader leaves unsaid is
wrong. No torch here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from mmskin.schema import Field, FieldKind, FieldValue, Schema
from mmskin.teaching.card import FIFTH, NEAR
from mmskin.teaching.free_texts import FreeText

Read = Mapping[str, FieldValue]
"""What was read from one text, by field; None, or no entry, is not recorded."""
IN_ALL = "all"
_SLACK = 1e-9  # so that a number just at its bound is within it


class _Fact(NamedTuple):
    """One field of one text."""

    kind: FieldKind
    stated: FieldValue
    read: FieldValue
    negated: bool
    vague: bool


def score_free_texts(texts: Sequence[FreeText], read: Sequence[Read], schema: Schema) -> pd.DataFrame:
    """The table of scores.

    Args:
        texts: with the facts that they state.
        read: what the reader says of each text, in the same order.
        schema: the fields that count, whether stated or not.

    Returns:
        A row for each style and score: `style` ("all" for every text), `score`, `value` and `n`, the facts it is of.
        `value` is a share, but the median error of numbers, and the rank correlation of durations (Spearman's, of those
        that are stated and read); NaN where there is nothing to score.
    """
    facts: dict[str, list[_Fact]] = {text.style: [] for text in texts}
    for text, of_text in zip(texts, read, strict=True):
        facts[text.style] += [_fact(field, text, of_text) for field in schema.fields]
    by_style = {IN_ALL: [fact for of_style in facts.values() for fact in of_style]} | facts
    rows = [
        {"style": style, "score": score, "value": value, "n": n}
        for style, of_style in by_style.items()
        for score, value, n in _scores(of_style)
    ]
    return pd.DataFrame(rows, columns=["style", "score", "value", "n"])


def _fact(field: Field, text: FreeText, read: Read) -> _Fact:
    name = field.name
    return _Fact(field.kind, text.fields.get(name), read.get(name), name in text.negated, name in text.vague)


def _scores(facts: Sequence[_Fact]) -> Iterator[tuple[str, float, int]]:
    """Name, value and count of every score of some facts."""
    of = {kind: [f for f in facts if f.kind == kind and f.stated is not None] for kind in ("yes_no", "categorical")}
    numbers = [fact for fact in facts if fact.kind == "numeric" and fact.stated is not None]
    durations = [fact for fact in facts if fact.kind == "duration" and fact.stated is not None]
    unstated = [fact for fact in facts if fact.stated is None and not fact.vague]
    yield "yes/no right", *_share(of["yes_no"], _same)
    yield "negations right", *_share([fact for fact in of["yes_no"] if fact.negated], _same)
    yield "site right", *_share(of["categorical"], _same)
    yield "age within 2 years", *_share(numbers, lambda fact: _error(fact) <= NEAR + _SLACK)
    yield "age off by (median)", *_median([_error(fact) for fact in numbers if fact.read is not None])
    yield (
        "duration within a fifth",
        *_share(durations, lambda fact: _error(fact) <= FIFTH * _stated_number(fact) + _SLACK),
    )
    yield "durations in order", *_rank_correlation([fact for fact in durations if fact.read is not None])
    yield "unstated not recorded", *_share(unstated, lambda fact: fact.read is None)


def _same(fact: _Fact) -> bool:
    return fact.read == fact.stated


def _error(fact: _Fact) -> float:
    """How far a number is off; infinitely where it is not read."""
    return math.inf if fact.read is None else abs(float(fact.read) - _stated_number(fact))


def _stated_number(fact: _Fact) -> float:
    assert fact.stated is not None
    return float(fact.stated)


def _share(facts: Sequence[_Fact], is_right: Callable[[_Fact], bool]) -> tuple[float, int]:
    return (sum(map(is_right, facts)) / len(facts) if facts else math.nan), len(facts)


def _median(errors: Sequence[float]) -> tuple[float, int]:
    return (float(np.median(errors)) if errors else math.nan), len(errors)


def _rank_correlation(facts: Sequence[_Fact]) -> tuple[float, int]:
    """Spearman's, with ties at their mean rank; NaN where all are alike."""
    stated, read = [_stated_number(fact) for fact in facts], [fact.read for fact in facts]
    if min(len(set(stated)), len(set(read))) < 2:
        return math.nan, len(facts)
    return float(spearmanr(stated, read).statistic), len(facts)
