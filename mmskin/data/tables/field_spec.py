"""One field of the history as a declaration maps it from a column of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from mmskin.data.infer_fields import Guess, infer_choices, infer_field, tell_choices
from mmskin.data.tables.faults import first_fault
from mmskin.data.vocabulary import SHARED_FIELDS
from mmskin.errors import ConfigError, one_of
from mmskin.quantities import DAYS
from mmskin.schema import Field, FieldKind, meaning_of


class FieldSpec(BaseModel):
    """Where a field's values stand in a table, what its cells mean, and what is declared about it.

    What is left out is taken from the shared field that `like` names, and guessed from the column otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: str
    column: str = ""
    """Of the table; the field's name if empty."""
    values: dict[str, str] = {}
    """What cells mean, in any case of letters: cell → value; null is not recorded."""
    like: str = ""
    """A key of `mmskin.data.vocabulary.SHARED_FIELDS`."""
    kind: FieldKind | None = None
    label: str = ""
    unit: str = ""
    """Of a number; of a duration that in which the column and the range are written, days if empty."""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    phrases: dict[str, tuple[str, ...]] = {}

    @model_validator(mode="before")
    @classmethod
    def _known_entries(cls, entries: Any) -> Any:
        if not isinstance(entries, Mapping):
            raise ValueError(f"must be a mapping such as {{kind: numeric}}, however: {entries!r}")
        for entry in entries:
            if entry not in cls.model_fields:
                raise ValueError(one_of("entry", entry, sorted({*cls.model_fields} - {"name"})))
        return entries

    @field_validator("values", mode="before")
    @classmethod
    def _as_cells(cls, values: Mapping[object, object]) -> dict[str, str]:
        if not isinstance(values, Mapping):
            raise ValueError(f"must say what cells mean, such as {{ja: yes, nein: no}}, however: {values!r}")
        return {_as_cell(cell): _as_cell(meant) for cell, meant in values.items()}

    @model_validator(mode="after")
    def _known_names(self) -> FieldSpec:
        if self.kind == "duration" and self.unit and self.unit not in DAYS:
            raise ValueError(one_of("unit", self.unit, DAYS))
        if self.like and self.like not in SHARED_FIELDS:
            raise ValueError(one_of("like", self.like, SHARED_FIELDS))
        return self

    @property
    def source_column(self) -> str:
        return self.column or self.name

    def declare(self, cells: Sequence[str]) -> tuple[Field | None, str]:
        """The field of the schema and what was guessed about it, "" for nothing; None where no guess can be made.

        Args:
            cells: of the column, those with content.

        Raises:
            ConfigError: the entries contradict each other.
        """
        given = self.model_dump(include=self.model_fields_set & {*Field.model_fields})
        options: dict[str, Any] = {**SHARED_FIELDS.get(self.like, {}), **given}
        if options.get("kind") == "duration":
            days = DAYS[options.get("unit") or "days"]
            options |= {end: options[end] * days for end in ("low", "high") if options.get(end) is not None}
        guess = Guess(None, "")
        if "kind" not in options:
            guess = infer_field(self.name, [meaning_of(cell, self.values) for cell in cells])
            if guess.field is None:
                return None, guess.told
            options = guess.field.model_dump() | options
        elif options["kind"] == "categorical" and "choices" not in options:
            meanings = [meaning_of(cell, self.values) for cell in cells]
            options["choices"] = infer_choices(meanings)
            if not options["choices"]:
                return None, "no value to take choices from"
            guess = Guess(None, tell_choices(options["choices"], meanings))
        try:
            return Field.model_validate({**options, "name": self.name}), guess.told
        except ValidationError as error:
            raise ConfigError(f"fields.{self.name}: {first_fault(error)}") from None


def _as_cell(value: object) -> str:
    """A value of YAML as a cell would hold it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
