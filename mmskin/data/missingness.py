"""Whether the history was *recorded* can give the diagnosis away: three named ways to train in spite of it.

In PAD-UFES-20 the patients' history is blank only for lesions that are no cancer, so a model that may see the blanks
reads the doctor's suspicion instead of the skin. The three ways:

- `visible`: blanks stay as they are. Published practice.
- `always_recorded`: only fields recorded in every training row. Blind to the blanks by construction.
- `equalized`: in training the optional block is hidden at random until P(hidden | class) is the same for all classes,
  so that the blanks carry nothing to be learned. Test patients keep their fields.

Imputing is none of them: drawn values can be told from real ones. The equality is one of margins and does not hold
given the photo. Recorded means not None: "unknown" is an answer that somebody wrote down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.schema import History, Schema

Missingness = Literal["visible", "always_recorded", "equalized"]
MISSINGNESS: tuple[Missingness, ...] = ("visible", "always_recorded", "equalized")


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
        DataError: a field does not exist or is an outcome; with `always_recorded`, no field is in every training row;
            with `equalized`, a field outside the optional block is blank in some, which hiding the block can't level.
    """
    if mode not in MISSINGNESS:
        raise ConfigError(one_of("missingness", mode, MISSINGNESS))
    asked = schema if fields is None else schema.with_fields(fields)
    if mode == "visible":
        return asked
    blank = {name: int(train[name].isna().sum()) for name in asked.field_names}
    if mode == "always_recorded":
        kept = [name for name, count in blank.items() if count == 0]
        if blank and not kept:
            told = first_of([f"{name} ({count})" for name, count in sorted(blank.items(), key=lambda item: item[1])])
            raise DataError(
                f"missingness: always_recorded leaves no field of {schema.name}: each is blank in some of the "
                f"{len(train)} training rows: {told}; ask for the image modality only, or use equalized or visible"
            )
        return asked.with_fields(kept)
    _check_can_equalize(asked, blank)
    return asked


def _check_can_equalize(schema: Schema, blank: dict[str, int]) -> None:
    outside = [f"{name} ({count} rows)" for name, count in blank.items() if count and name not in schema.optional_block]
    if outside:
        raise DataError(
            f"missingness: equalized hides the optional block of {schema.name}, however fields outside it are blank in "
            f"training too: {first_of(outside)}; declare them in optional_block, or leave them out of fields"
        )


def flags(table: pd.DataFrame, schema: Schema) -> NDArray[np.bool_]:
    """Which rows lack some or all of the optional block: (rows,) bool. All False where the schema has no such block."""
    block: NDArray[np.bool_] = table[list(schema.optional_block)].isna().to_numpy(dtype=bool)
    return np.asarray(block.any(axis=1))


def fully_recorded(table: pd.DataFrame, schema: Schema) -> pd.Series[bool]:
    """Which rows have the whole optional block, with the table's index."""
    return pd.Series(~flags(table, schema), index=table.index, name="fully_recorded")


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
