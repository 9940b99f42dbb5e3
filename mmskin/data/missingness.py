"""Whether the history was *recorded* can give the diagnosis away: three named ways to train in spite of it.

In PAD-UFES-20 the patients' history is missing only for lesions that are no cancer, so a model that may see what is
missing reads the doctor's suspicion instead of the skin; fields left empty then make a cancer look benign. The three
ways:

- `always_recorded`, the default: fields recorded in (almost) every training row. A field that is empty in none is read
  as it is, and no empty field can be seen by the model. An *almost always recorded* field may stay, by the rule below;
  every other field is excluded, and named.
- `equalized`: in training the optional block is hidden at random until P(hidden | class) is the same for all classes,
  so that what is missing carries nothing to be learned. Test patients keep their fields.
- `visible`: missing fields stay as they are. Published practice.

The rule of an almost always recorded field. Of n_c training rows of class c, m_c lack the field; C classes, N rows.

1. max_c (m_c / n_c) / C ≤ `MOST_TOLD`. With all classes equally frequent, this is the share of cases that are of the
   class most often empty and lack the field: the most that reading the emptiness could move balanced accuracy.
2. In training so many recorded values are hidden at random that P(empty | class) / P(empty) ≤ `MOST_LIFT` for every
   class: an empty field then raises no class's odds by more than a quarter. It is the smallest number that does.
3. If that takes more than `MOST_HIDDEN` of the rows, the field is excluded: it would cost more than it is worth.

Rows are never dropped: to leave out the few patients whose field is empty would move the population, a field does not.
Validation and test rows keep their fields. Where no field is kept by this rule, answers are equal to the bit whatever
else is recorded; where one is, its emptiness was made uninformative in training, which is less.

Imputing is none of them: drawn values can be told from real ones. The equality is one of margins and does not hold
given the photo. Recorded means not None: "unknown" is an answer that somebody wrote down.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.data.seeds import view_seed
from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.schema import History, Schema

Missingness = Literal["visible", "always_recorded", "equalized"]
MISSINGNESS: tuple[Missingness, ...] = ("visible", "always_recorded", "equalized")

MOST_TOLD = 0.005
MOST_LIFT = 1.25
MOST_HIDDEN = 0.05


def input_schema(
    schema: Schema, train: pd.DataFrame, *, mode: Missingness, fields: Sequence[str] | None = None
) -> Schema:
    """The declaration restricted to what a model may read: note, columns and form are made from it.

    Args:
        schema: the data set's.
        train: the training rows; no others are looked at.
        mode: one of `MISSINGNESS`.
        fields: the fields asked for; all if None.

    Raises:
        ConfigError: no such mode.
        DataError: a field does not exist or is an outcome; with `equalized`, a field outside the optional block is
            empty in some rows, which hiding the block can't level.
    """
    if mode not in MISSINGNESS:
        raise ConfigError(one_of("missingness", mode, MISSINGNESS))
    asked = schema if fields is None else schema.with_fields(fields)
    if mode == "equalized":
        _check_can_equalize(asked, {name: int(train[name].isna().sum()) for name in asked.field_names})
    if mode != "always_recorded":
        return asked
    excluded = excluded_fields(asked, train)
    return asked.with_fields([name for name in asked.field_names if name not in excluded])


def excluded_fields(schema: Schema, train: pd.DataFrame) -> dict[str, str]:
    """The fields that `always_recorded` leaves out, each with its reason in words; see the module for the rule."""
    reasons = {name: _why_excluded(train, name, classes=len(schema.classes)) for name in schema.field_names}
    return {name: reason for name, reason in reasons.items() if reason}


def _why_excluded(train: pd.DataFrame, field: str, *, classes: int) -> str:
    """The reason, with its rates; "" for a field that stays."""
    empty = train[field].isna()
    if not empty.any():
        return ""
    rates = empty.groupby(train.target).mean()
    share, highest = empty.mean(), rates.max()
    described = f"empty in {share:.2%} of the training rows, most often in {rates.idxmax()} ({highest:.1%})"
    if highest / classes > MOST_TOLD:
        return f"{described}; {highest:.1%} / {classes} classes is above {MOST_TOLD:.1%}"
    hidden = sum(_rows_to_hide(empty, train.target).values())
    if hidden > MOST_HIDDEN * len(train):
        return f"{described}; {hidden} of {len(train)} values would have to be hidden, above {MOST_HIDDEN:.0%}"
    return ""


def _rows_to_hide(empty: pd.Series[bool], target: pd.Series[str]) -> dict[str, int]:
    """By class, the smallest numbers of recorded values to hide until no class is empty `MOST_LIFT` times as often.

    One value after another, each of the class whose rate stays lowest: no other choice of as many has a lower highest
    rate among the classes that lose some.
    """
    rows = {str(name): int(count) for name, count in target.value_counts().sort_index().items()}
    lost = {str(name): int(count) for name, count in empty.groupby(target).sum().items()}
    hidden = dict.fromkeys(rows, 0)
    while any(lost[c] * len(target) > MOST_LIFT * sum(lost.values()) * rows[c] for c in rows):
        lowest = min(rows, key=lambda c: (lost[c] + 1) / rows[c])
        hidden[lowest] += 1
        lost[lowest] += 1
    return hidden


def hides_at_random(train: pd.DataFrame, schema: Schema, *, mode: Missingness) -> bool:
    """Whether `as_trained` draws: training rows differ by seed and view.

    Args:
        train: the training rows.
        schema: what the model reads, see `input_schema`.
        mode: of missingness.
    """
    if mode == "always_recorded":
        return bool(train[list(schema.field_names)].isna().any(axis=None))
    return mode == "equalized"


def as_trained(train: pd.DataFrame, schema: Schema, *, mode: Missingness, seed: int, view: int = 0) -> pd.DataFrame:
    """The training rows as a model is shown them: with values hidden at random, if its mode asks for that.

    Args:
        train: the training rows, all with a target.
        schema: what the model reads, see `input_schema`.
        mode: of missingness.
        seed: of the draw, 0 or more.
        view: which of the K views, 0 or more. Each draws others.
    """
    if not hides_at_random(train, schema, mode=mode):
        return train
    if mode == "equalized":
        return equalize(train, schema, seed=seed, view=view)
    copy = train.copy()
    for name in schema.field_names:
        for row in _drawn(train, name, seed=seed, view=view):
            copy.at[row, name] = None
    return copy


def _drawn(train: pd.DataFrame, field: str, *, seed: int, view: int) -> list[Hashable]:
    """Labels of the rows whose value is hidden: of each class those whose case id comes first in a drawn order."""
    empty = train[field].isna()
    order = train.case_id[~empty].map(lambda case: view_seed(f"{field} {case}", view, seed)).sort_values().index
    by_class = train.target[order].groupby(train.target[order], sort=True)
    return [
        row
        for name, count in _rows_to_hide(empty, train.target).items()
        if count
        for row in by_class.get_group(name).index[:count]
    ]


def _check_can_equalize(schema: Schema, blank: dict[str, int]) -> None:
    outside = [f"{name} ({count} rows)" for name, count in blank.items() if count and name not in schema.optional_block]
    if outside:
        raise DataError(
            f"missingness: equalized hides the optional block of {schema.name}, however fields outside it are empty in "
            f"training too: {first_of(outside)}; declare them in optional_block, or leave them out of fields"
        )


def flags(table: pd.DataFrame, schema: Schema) -> NDArray[np.bool_]:
    """Which rows lack some or all of the optional block: (rows,) bool. All False where the schema has no such block."""
    block: NDArray[np.bool_] = table[list(schema.optional_block)].isna().to_numpy(dtype=bool)
    return np.asarray(block.any(axis=1))


def fully_recorded(table: pd.DataFrame, schema: Schema) -> pd.Series[bool]:
    """Which rows have every field of the schema, with the table's index; none is optional where that is all of them."""
    return table[list(schema.field_names)].notna().all(axis=1).rename("fully_recorded")


def missing_rates(table: pd.DataFrame, schema: Schema) -> pd.Series[float]:
    """P(block incomplete | class) by class name, for the classes of the table."""
    rates: pd.Series[float] = pd.Series(flags(table, schema), index=table.index).groupby(table.target).mean()
    return rates


def equalize(train: pd.DataFrame, schema: Schema, *, seed: int, view: int = 0) -> pd.DataFrame:
    """A copy in which the whole optional block is None for the same share of every class.

    The share is the highest rate of incomplete blocks of any class, r. Of class c exactly round(r n_c) rows are left
    without the block: those whose block is incomplete, and rows drawn at random from the others. Each view draws
    others, so that over the views of a training run (nearly) every recorded history is seen.

    The draw depends on the case ids, not on the order of rows.

    Args:
        train: the training rows, all with a target.
        schema: what the model reads, see `input_schema`. Without an optional block the copy is unchanged.
        seed: of the draw, 0 or more.
        view: which of the K views, 0 or more.
    """
    incomplete = flags(train, schema)
    highest = float(missing_rates(train, schema).max())
    by_id = np.argsort(train.case_id.to_numpy(dtype=str), kind="stable")
    target = train.target.to_numpy(dtype=str)[by_id]
    rng = np.random.default_rng((seed, view))
    hidden = incomplete.copy()
    for name in np.unique(target):
        of_class = by_id[target == name]
        recorded = of_class[~incomplete[of_class]]
        more = round(highest * len(of_class)) - (len(of_class) - len(recorded))
        hidden[rng.choice(recorded, size=more, replace=False)] = True
    copy = train.copy()
    for name in schema.optional_block:
        copy[name] = pd.Series(
            [None if gone else value for gone, value in zip(hidden, train[name], strict=True)],
            index=train.index,
            dtype=object,
        )
    return copy


def hide_fields(history: History, *, rate: float, rng: np.random.Generator) -> History:
    """Field dropout for training: each field becomes not recorded with probability `rate`; the free text stays.

    One number is drawn per named field in sorted order, recorded or not, so that neither the order of the fields nor
    what else is blank changes which are hidden.

    Raises:
        ConfigError: the rate is not in [0, 1].
    """
    if not 0 <= rate <= 1:
        raise ConfigError(f"rate={rate} of hidden fields must lie between 0 and 1")
    names = sorted(history.fields)
    hidden = {name for name, draw in zip(names, rng.random(len(names)), strict=True) if draw < rate}
    fields = {name: None if name in hidden else value for name, value in history.fields.items()}
    return History(fields=fields, text=history.text)
