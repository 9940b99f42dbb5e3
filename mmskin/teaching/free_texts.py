"""Files of free-text histories with the facts that they state, to test a reader of notes with.

A line of the file is a JSON object: `style`, `text`, `fields` (what the text states, by field of the schema), and, if
the file tells them, `negated` (yes/no fields stated by a negation) and `vague` (fields told without a value).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import DataError
from mmskin.schema import Field, FieldValue, Schema

PAD_FIELDS = ("age", "region", "itch", "grew", "hurt", "changed", "bleed", "elevation", "skin_cancer_history")
DURATION = Field(
    name="duration_days",
    kind="duration",
    label="Present for",
    low=0,
    phrases={"value": ("Present for {value}.", "For {value}.", "Has had it for {value}.")},
)


class FreeText(NamedTuple):
    """One free-text history.

    style: as the file names it, such as clinic shorthand.
    fields: what the text states, as `Field.parse` gives it; every other field is not stated.
    negated: yes/no fields stated as negations.
    vague: fields that the text tells without a value, such as a time "since childhood".
    """

    style: str
    text: str
    fields: Mapping[str, FieldValue]
    negated: tuple[str, ...]
    vague: tuple[str, ...]


def free_text_schema() -> Schema:
    """The ten fields that the texts are about: nine of PAD-UFES-20, and how long the lesion has been there.

    PAD-UFES-20's skin cancer history is of "patient or family"; the texts' is the patient's own, and declared so.
    """
    schema = read_declaration("pad_ufes_20").declared_schema.with_fields(PAD_FIELDS)
    own = schema.field("skin_cancer_history").model_copy(update={"label": "Skin cancer before"})
    own = own.model_copy(update={"phrases": {**own.phrases, "yes": own.phrases["yes"][1:]}})
    fields = (*(own if field.name == own.name else field for field in schema.fields), DURATION)
    return schema.model_copy(update={"name": "free_text", "fields": fields, "optional_block": (), "subgroups": ()})


def read_free_texts(path: Path, schema: Schema) -> list[FreeText]:
    """The texts of a file in its order.

    Where the file does not tell which facts are negations, every fact stated as "no" is one.

    Raises:
        DataError: a line that is no such object, or that states what the schema does not admit; names the line.
    """
    texts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            texts.append(_free_text(json.loads(line), schema))
        except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
            expected = "expected a JSON object with style, text and fields"
            raise DataError(f"{path.name}, line {number}: {expected}; {type(error).__name__}: {error}") from None
    return texts


def _free_text(entry: dict[str, Any], schema: Schema) -> FreeText:
    stated = schema.parse_history(entry["fields"]).recorded()
    negated = entry.get("negated", [name for name, value in stated.items() if value == "no"])
    return FreeText(entry["style"], entry["text"], stated, tuple(negated), tuple(entry.get("vague", ())))
