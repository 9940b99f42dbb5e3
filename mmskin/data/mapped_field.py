"""One field of the history as a user maps it from a column of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import ValidationError

from mmskin.data.infer_fields import Guess, infer_choices, infer_field, tell_choices
from mmskin.errors import ConfigError, one_of
from mmskin.schema import Field, FieldValue

DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}


@dataclass(frozen=True)
class MappedField:
    """Where a field's values stand in a table, what its cells mean, and what is declared about it.

    column: of the table.
    values: meaning by cell, the cells in lower case.
    unit: in which the column writes a duration, a key of `DAYS`.
    options: entries of `mmskin.schema.Field`, perhaps without a kind; ranges of a duration are in days.
    """

    name: str
    column: str
    values: Mapping[str, str]
    unit: str
    options: Mapping[str, Any]

    @classmethod
    def from_spec(cls, name: str, spec: Mapping[str, Any] | None) -> Self:
        """From the entries under a field's name in an experiment file; None has none.

        Raises:
            ConfigError: no mapping; an entry that fields do not have; a duration in an unknown unit.
        """
        entries = {} if spec is None else spec
        if not isinstance(entries, Mapping):
            raise ConfigError(f"field {name!r} must be a mapping such as {{kind: numeric}}, however: {spec!r}")
        known = sorted({"column", "values", *Field.model_fields} - {"name"})
        for entry in entries:
            if entry not in known:
                raise ConfigError(one_of(f"field {name!r}: entry", entry, known))
        options = {key: value for key, value in entries.items() if key not in ("column", "values")}
        unit = "days"
        if options.get("kind") == "duration":
            unit = options.pop("unit", unit)
            if unit not in DAYS:
                raise ConfigError(one_of(f"field {name!r}: unit", unit, DAYS))
            options |= {end: options[end] * DAYS[unit] for end in ("low", "high") if end in options}
        values = {str(cell).lower(): _as_cell(meant) for cell, meant in entries.get("values", {}).items()}
        return cls(name=name, column=entries.get("column", name), values=values, unit=unit, options=options)

    def declare(self, cells: Sequence[str]) -> tuple[Field | None, str]:
        """The field of the schema and what was guessed about it, "" for nothing; None where no guess can be made.

        Args:
            cells: of the column, stripped, the blank ones left out.

        Raises:
            ConfigError: the options contradict each other.
        """
        meanings = [self._meaning(cell) for cell in cells]
        options = dict(self.options)
        guess = Guess(None, "")
        if "kind" not in options:
            guess = infer_field(self.name, meanings)
            if guess.field is None:
                return None, guess.told
            options = guess.field.model_dump() | options
        elif options["kind"] == "categorical" and "choices" not in options:
            options["choices"] = infer_choices(meanings)
            if not options["choices"]:
                return None, "no value to take choices from"
            guess = Guess(None, tell_choices(options["choices"], meanings))
        try:
            return Field.model_validate({**options, "name": self.name}), guess.told
        except ValidationError as error:
            raise ConfigError(f"field {self.name!r}: {first_message(error)}") from None

    def parse(self, cell: str, declared: Field) -> FieldValue:
        """A cell of the column as the schema stores it.

        Raises:
            DataError: the value is not admissible.
        """
        meant = self._meaning(cell)
        return declared.parse(self._in_days(meant) if declared.kind == "duration" else meant)

    def _meaning(self, cell: str) -> str:
        return self.values.get(cell.lower(), cell) if self.values else cell

    def _in_days(self, cell: str) -> str:
        """What is no number is left for the field to refuse."""
        try:
            return repr(float(cell) * DAYS[self.unit])
        except ValueError:
            return cell


def first_message(error: ValidationError) -> str:
    """The first fault that pydantic found, in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"].removeprefix("Value error, ")


def _as_cell(value: object) -> str:
    """A value of YAML as a cell would hold it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
