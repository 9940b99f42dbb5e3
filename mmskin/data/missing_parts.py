"""Cases of which a part is missing, in named ways: what a trained model is shown to see what it loses.

Each way takes a table of cases to an altered copy. It acts on the history itself and on the list of photos, before note
and columns are made of them, so that no arm sees the two disagree. The ways:

- `photo` (where there are several kinds each by itself, such as `clinical_photo`), `fields`, `words`, or some of them
  joined by +: only these parts are left.
- `exchanged_` and a part: that part is another patient's, the others stay. An arm whose answers stay does not read it.
- `at_random`: each recorded field of each case is gone with chance `rate`.
- `in_blocks`: fields that are recorded or left out together are gone together, for all cases of a patient, as where a
  clinic has no form for them. The blocks are the optional block of the schema and all other fields; each is hidden of
  exactly round(rate n) of the n patients who have something in it.
- `not_at_random`: what is not worth writing down goes first. Of the n recorded values of a field exactly round(rate n)
  are gone, and of a yes/no field every "no" before any other answer.

The first two are *missing completely at random*, by field and by patient; in the third whether an answer is missing
depends on the answer itself (Rubin, *Inference and missing data*, Biometrika 1976). The last three hide fields alone:
photo and words stay. What a lower rate hides, a higher one hides too. The draw depends on the ids in the table, not on
the order of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.data.seeds import view_seed
from mmskin.data.shuffle import exchange
from mmskin.data.table import photos_by_kind
from mmskin.features import photo_title
from mmskin.schema import Schema

COMPLETE = "complete"
EXCHANGED = "exchanged_"  # before the name of a part
FIELDS, WORDS = "fields", "words"
Mask = NDArray[np.bool_]


class Scenario(NamedTuple):
    """What is missing: a name of this file and the share that is hidden, 0 if complete, 1 where only parts are left."""

    name: str
    rate: float


def parts_of(table: pd.DataFrame, schema: Schema) -> tuple[str, ...]:
    """Every kind of photo, fields, words: those of which any case has something."""
    photos = photos_by_kind(table, schema)
    has_any = {photo_part(kind): any(by_kind[kind] for by_kind in photos) for kind in schema.photos}
    has_any |= {FIELDS: bool(recorded(table, schema).any()), WORDS: bool(table.text.notna().any())}
    return tuple(part for part, has in has_any.items() if has)


def photo_part(kind: str) -> str:
    """The part that is a kind of photo: "photo" where there is one kind, else such as "clinical_photo"."""
    return photo_title(kind).replace(" ", "_")


def scenarios(parts: Sequence[str], rates: Sequence[float]) -> list[Scenario]:
    """The complete cases, every smaller set of parts that is not empty, each part exchanged between patients, and the
    three mechanisms at every rate."""
    subsets = [chosen for size in range(1, len(parts)) for chosen in combinations(parts, size)]
    curves = [Scenario(name, rate) for name in MECHANISMS for rate in rates if FIELDS in parts]
    left = [Scenario("+".join(chosen), 1.0) for chosen in subsets]
    exchanged = [Scenario(EXCHANGED + part, 1.0) for part in parts if len(parts) > 1]
    return [Scenario(COMPLETE, 0.0), *left, *exchanged, *curves]


def alter(table: pd.DataFrame, schema: Schema, scenario: Scenario, *, seed: int) -> pd.DataFrame:
    """A copy of the table in which that is missing; all other columns and the index stay.

    Args:
        table: of cases; the exact shares are of these.
        schema: whose fields are hidden: what the model may see.
        scenario: one of `scenarios`.
        seed: of the draws.
    """
    if scenario.name == COMPLETE:
        return table.copy()
    if scenario.name in MECHANISMS:
        return without_fields(table, schema, MECHANISMS[scenario.name](table, schema, scenario.rate, seed))
    if scenario.name.startswith(EXCHANGED):
        return exchange_part(table, schema, scenario.name.removeprefix(EXCHANGED), seed=seed)
    return keep_parts(table, schema, scenario.name.split("+"))


def keep_parts(table: pd.DataFrame, schema: Schema, parts: Sequence[str]) -> pd.DataFrame:
    """A copy with these parts alone: no photo of a kind, no field recorded, no free text where they are not named."""
    copy = table.copy()
    if FIELDS not in parts:
        copy = without_fields(copy, schema, np.ones((len(table), len(schema.fields)), dtype=bool))
    if WORDS not in parts:
        copy["text"] = pd.Series([None] * len(table), index=table.index, dtype=object)
    kinds = [kind for kind in schema.photos if photo_part(kind) in parts]
    return copy if len(kinds) == len(schema.photos) else with_photos_of(copy, schema, kinds)


def with_photos_of(table: pd.DataFrame, schema: Schema, kinds: Sequence[str]) -> pd.DataFrame:
    """A copy with the photos of these kinds alone."""
    return with_photos(table, [{kind: of_case[kind] for kind in kinds} for of_case in photos_by_kind(table, schema)])


def with_photos(table: pd.DataFrame, photos: Sequence[Mapping[str, Sequence[str]]]) -> pd.DataFrame:
    """A copy with these photos, by case and kind."""
    images = [tuple(photo for of_kind in of_case.values() for photo in of_kind) for of_case in photos]
    kinds = [tuple(kind for kind, of_kind in of_case.items() for _ in of_kind) for of_case in photos]
    columns = {"images": images, "image_kinds": kinds}
    return table.assign(**{name: pd.Series(cells, index=table.index, dtype=object) for name, cells in columns.items()})


def exchange_part(table: pd.DataFrame, schema: Schema, part: str, *, seed: int) -> pd.DataFrame:
    """A copy in which a part of every case is that of a case of another patient."""
    if part in (FIELDS, WORDS):
        return exchange(table, schema.field_names if part == FIELDS else ["text"], seed=seed)
    moved = exchange(table, ["images", "image_kinds"], seed=seed)
    mine, theirs = photos_by_kind(table, schema), photos_by_kind(moved, schema)
    is_moved = {kind: photo_part(kind) == part for kind in schema.photos}
    both = zip(mine, theirs, strict=True)
    return with_photos(table.copy(), [{k: (new if is_moved[k] else old)[k] for k in is_moved} for old, new in both])


def without_fields(table: pd.DataFrame, schema: Schema, hidden: Mask) -> pd.DataFrame:
    """A copy in which the hidden values are None. hidden: (N, F), fields in the order of the schema."""
    copy = table.copy()
    for name, gone in zip(schema.field_names, hidden.T, strict=True):
        left = [None if hide else value for hide, value in zip(gone, table[name], strict=True)]
        copy[name] = pd.Series(left, index=table.index, dtype=object)
    return copy


def recorded(table: pd.DataFrame, schema: Schema) -> Mask:
    """(N, F): which fields hold something."""
    return np.asarray(table[list(schema.field_names)].notna().to_numpy(dtype=bool))


# --- mechanisms: which of (N, F) are hidden at a rate ---


def at_random(table: pd.DataFrame, schema: Schema, rate: float, seed: int) -> Mask:
    """Of each case by itself, as `hide_fields` does in training."""
    return np.asarray(_draws(table, schema, seed) < rate)


def in_blocks(table: pd.DataFrame, schema: Schema, rate: float, seed: int) -> Mask:
    names, there = schema.field_names, recorded(table, schema)
    patients = table.patient_id.to_numpy(dtype=str)
    optional = np.isin(names, schema.optional_block)
    hidden = np.zeros_like(there)
    for number, block in enumerate((optional, ~optional)):
        told = np.unique(patients[there[:, block].any(axis=1)])
        order = np.argsort([view_seed(patient, f"block {number}", seed) for patient in told])
        gone = told[order[: round(rate * len(told))]]
        hidden |= np.isin(patients, gone)[:, None] & block
    return hidden


def not_at_random(table: pd.DataFrame, schema: Schema, rate: float, seed: int) -> Mask:
    draws, there = _draws(table, schema, seed), recorded(table, schema)
    hidden = np.zeros_like(there)
    for column, field in enumerate(schema.fields):
        rows = np.flatnonzero(there[:, column])
        says_no = (table[field.name] == "no").to_numpy(dtype=bool) & (field.kind == "yes_no")
        order = np.lexsort([draws[rows, column], ~says_no[rows]])  # the last key counts first
        hidden[rows[order[: round(rate * len(rows))]], column] = True
    return hidden


def _draws(table: pd.DataFrame, schema: Schema, seed: int) -> NDArray[np.float64]:
    """(N, F) uniform in [0, 1), of the case's own generator, the first for the first field by name."""
    size = len(schema.fields)
    drawn = [np.random.default_rng(view_seed(case_id, "missing", seed)).random(size) for case_id in table.case_id]
    by_name = np.argsort(np.argsort(schema.field_names))
    return np.array(drawn, dtype=np.float64).reshape(len(table), size)[:, by_name]


MECHANISMS: Mapping[str, Callable[[pd.DataFrame, Schema, float, int], Mask]] = {
    "at_random": at_random,
    "in_blocks": in_blocks,
    "not_at_random": not_at_random,
}
