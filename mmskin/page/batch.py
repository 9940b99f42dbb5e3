"""Many cases of one table: what its rows ask, and the answers as rows.

The browser reads table and photos, and asks for one case after another: on this side no more is in memory than a photo.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmskin.data.column_names import plain_name
from mmskin.errors import UserError, first_of
from mmskin.page.spoken import w
from mmskin.probability_text import in_percent
from mmskin.schema import Schema
from mmskin.trained.prediction import Prediction

MOST = 500
DIGITS = 4
SEPARATORS = ",;\t"
CASE, TEXT, PHOTO = "case", "text", "photo"


class Batch(NamedTuple):
    """cases: {"case", "photos": file names by kind, "fields", "text"}. remarks: columns that are not read."""

    cases: list[dict[str, Any]]
    remarks: list[str]


def columns(schema: Schema, kinds: Sequence[str]) -> list[str]:
    """Of the table that is asked for: the case's name, a file name for each kind of photo, fields, words."""
    return [CASE, *photo_columns(kinds), *schema.field_names, TEXT]


def photo_columns(kinds: Sequence[str]) -> dict[str, str]:
    """The kind of photo by column."""
    return {PHOTO: kinds[0]} if len(kinds) == 1 else {kind: kind for kind in kinds}


def read_batch(table: str, schema: Schema, kinds: Sequence[str]) -> Batch:
    """The cases of a table, as they stand there.

    A field's column has its name or its title; an empty cell is not recorded.

    Args:
        table: CSV with a header, separated by commas, semicolons or tabs.
        schema: of the model.
        kinds: of photo that the model reads.

    Raises:
        UserError: no CSV, too many rows, two columns for one field, or no column that is read.
    """
    header, *rows = _cells(table)
    if len(rows) > MOST:
        raise UserError(w.BATCH_TOO_LONG.format(rows=len(rows), most=MOST))
    names = {plain_name(field.title): field.name for field in schema.fields} | {
        plain_name(name): name for name in columns(schema, kinds)
    }
    read = [names.get(plain_name(column), "") for column in header]
    if not {*read} - {"", CASE}:
        raise UserError(w.BATCH_NO_COLUMN.format(columns=", ".join(columns(schema, kinds))))
    if twice := sorted({name for name in read if name and read.count(name) > 1}):
        raise UserError(w.BATCH_TWICE.format(columns=first_of(twice)))
    unread = [column for column, name in zip(header, read, strict=True) if not name]
    cases = [
        _case(dict(zip(read, row, strict=True)), number, schema, kinds) for number, row in enumerate(rows, start=1)
    ]
    return Batch(cases, [w.BATCH_UNREAD.format(columns=first_of(unread))] if unread else [])


def row_of(prediction: Prediction, schema: Schema) -> dict[str, Any]:
    """An answer as the columns of a table, in the page's language; empty where the model has no safeguards."""
    triage, found, top = prediction.triage, prediction.answer_set, prediction.top
    return {
        "triage": w.say(triage.title) if triage else "",
        "triage_reasons": "; ".join(map(w.say, triage.reasons)) if triage else "",
        "most_likely": w.say(schema.class_titles.get(top, top)),
        "answer_set": "+".join(found.classes) if found else "",
        "unlike_training": "; ".join(map(w.say, prediction.unlike_training)),
        "remarks": "; ".join(map(w.say, prediction.remarks)),
        "probability": in_percent(prediction.probabilities[top]),
        **{f"probability_{name}": round(prediction.probabilities[name], DIGITS) for name in schema.classes},
        "model": prediction.model.checksum,
    }


def _cells(table: str) -> list[list[str]]:
    """Header and rows, all of one length; the separator is the one that the header has most of."""
    header = table.partition("\n")[0]
    try:
        lines = csv.reader(io.StringIO(table, newline=""), delimiter=max(SEPARATORS, key=header.count), strict=True)
        rows = [line for line in lines if line]
    except csv.Error:
        raise UserError(w.BATCH_NO_TABLE) from None
    if len({len(row) for row in rows}) != 1:
        raise UserError(w.BATCH_NO_TABLE)
    return rows


def _case(row: Mapping[str, str], number: int, schema: Schema, kinds: Sequence[str]) -> dict[str, Any]:
    given = {name: value.strip() for name, value in row.items() if value.strip()}
    return {
        CASE: given.get(CASE, str(number)),
        "photos": {kind: given[column] for column, kind in photo_columns(kinds).items() if column in given},
        "fields": {name: given[name] for name in schema.field_names if name in given},
        TEXT: given.get(TEXT, ""),
    }
