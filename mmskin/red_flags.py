"""Red flags: what in a history speaks for seeing a physician soon, whatever the photo shows. Declared by a data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Condition(BaseModel):
    """What one field must hold. A field that is not recorded meets no condition.

    equals: a choice, or yes or no. at_least, at_most: of a number, both ends included, in the unit in which the schema
        stores it (durations in days).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    equals: str | None = Field(default=None, alias="is")
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        bounds = self.at_least is not None or self.at_most is not None
        if (self.equals is not None) == bounds:
            raise ValueError("a condition is a word (is: yes), or a bound or two (at_least: 50, at_most: 90)")
        return self

    def holds(self, value: float | str | None) -> bool:
        """Whether a value of the field, as the schema stores it, meets the condition."""
        if value is None:
            return False
        if isinstance(value, str):
            return value == self.equals
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


class RedFlag(BaseModel):
    """A reason to be seen soon.

    reason: in words that complete "because", such as "it has bled". when: by field, what it must hold; all of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(min_length=1)
    when: Mapping[str, Condition] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _plain_words(cls, entries: object) -> object:
        """A word in place of a condition is the word that the field must hold."""
        if isinstance(entries, Mapping) and isinstance(entries.get("when"), Mapping):
            when = {name: {"is": of} if isinstance(of, str) else of for name, of in entries["when"].items()}
            return {**entries, "when": when}
        return entries

    def renamed(self, names: Mapping[str, str]) -> Self:
        """The same of fields under other names."""
        return self.model_copy(update={"when": {names.get(name, name): of for name, of in self.when.items()}})

    def is_raised(self, fields: Mapping[str, float | str | None]) -> bool:
        """Whether the fields of a history raise it."""
        return all(condition.holds(fields.get(name)) for name, condition in self.when.items())
