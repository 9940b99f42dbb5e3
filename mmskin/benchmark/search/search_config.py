"""`search: {trials, space}` of a benchmark and of an arm, as validated models."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from mmskin.config.strict import Strict

SEARCHED = ("training", "loss", "fusion", "experts", "reduce", "table")
"""Sections of an arm whose options may be searched."""
READS_OTHERWISE = ("views", "augment", "vary_notes", "field_dropout", "test_views")
"""Options of the recipe that change what frozen encoders are shown; their outputs are computed before any search."""


class Range(Strict):
    """Numbers from low to high, both ends included; evenly in their logarithms if log.

    They are whole numbers where both ends are written so: {low: 1, high: 3}, and not {low: 1.0, high: 3.0}.
    """

    low: int | float
    """The lowest number."""
    high: int | float
    """The highest number."""
    log: bool = False
    """Whether numbers are drawn evenly in their logarithms."""

    @property
    def is_whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, however: low={self.low:g}, high={self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"a range of logarithms must begin above 0, however: low={self.low:g}")
        return self


Choices = list[Any]
Searched = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choices, Tag("choices")],
    Discriminator(lambda value: "choices" if isinstance(value, list) else "range"),
]
Space = dict[str, Searched]


class SearchConfig(Strict):
    """How a recipe is searched."""

    trials: int = Field(default=20, ge=1)
    """Recipes that are tried beside the arm's own."""
    space: Space = Field(default={})
    """By dotted option of the arm, such as training.learning_rate or loss.gamma: a range, or a list of values."""

    @field_validator("space")
    @classmethod
    def _names_options(cls, value: Space) -> Space:
        for path, of in value.items():
            section, _, option = path.partition(".")
            if section not in SEARCHED or not option:
                raise ValueError(
                    f"{path}: an option of {', '.join(SEARCHED)} is searched, such as training.learning_rate"
                )
            if section == "training" and option in READS_OTHERWISE:
                raise ValueError(f"{path} changes what frozen encoders are shown and cannot be searched")
            if isinstance(of, list) and (
                len(of) < 2 or not all(isinstance(value, bool | float | int | str) for value in of)
            ):
                raise ValueError(f"{path}: name two numbers or words or more, or a range such as {{low: 0.1, high: 1}}")
        return value

    def beside(self, shared: SearchConfig | None, *, is_table: bool) -> SearchConfig:
        """With what it leaves out taken from the shared one: options that a network or a table arm can have."""
        if shared is None:
            return self
        fitting = {path: of for path, of in shared.space.items() if path.startswith("table.") == is_table}
        return SearchConfig(
            trials=self.trials if "trials" in self.model_fields_set else shared.trials,
            space=self.space if "space" in self.model_fields_set else fitting,
        )
