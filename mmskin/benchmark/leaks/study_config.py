"""A study of leaks, as a validated model: a benchmark, and which leaks its protocol has to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from mmskin.benchmark.benchmark_config import Benchmark, Primary
from mmskin.benchmark.leaks import LEAKS
from mmskin.config.validation import validated
from mmskin.config.yaml_files import read_overridden
from mmskin.errors import one_of

NOT_ASKED = {"audit": False, "missing_parts": None, "safeguards": False, "explanations": None}
"""What a benchmark says beside its answers, which answers of a leaking protocol are not worth."""


class LeakStudy(Benchmark):
    """A benchmark that is run once with all leaks, then with one less each time; the last protocol is honest."""

    leaks: list[str] = Field(min_length=1)
    """In the order in which they are taken out. What a leak is worth depends on those that are still there."""

    @field_validator("leaks")
    @classmethod
    def _exist(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in LEAKS:
                raise ValueError(one_of("leak", name, LEAKS))
        if len(set(value)) < len(value):
            raise ValueError("a leak is named twice")
        return value

    @model_validator(mode="before")
    @classmethod
    def _asks_for_answers_alone(cls, raw: Any) -> Any:
        return {**NOT_ASKED, **raw} if isinstance(raw, dict) else raw

    @model_validator(mode="after")
    def _is_honest_without_its_leaks(self) -> LeakStudy:
        if self.primary is None:
            raise ValueError(
                "primary is missing: name arm and reference, whose difference is shown under every protocol"
            )
        if not isinstance(self.data.folds, int):
            raise ValueError(
                f"data.folds must be a number, so that all folds are made alike, however: {self.data.folds}"
            )
        if self.data.missingness == "visible":
            raise ValueError("data.missingness: visible is a leak of its own: name missingness_visible among the leaks")
        recipes: dict[str, Any] = {"training": self.training.save_model}
        recipes |= {f"arms.{name}.training": arm.training.get("save_model") for name, arm in self.arms.items()}
        kept = [place for place, is_kept in recipes.items() if is_kept]
        if kept:
            raise ValueError(
                f"{kept[0]}.save_model: a study of leaks keeps no model, for it could be taken for an honest one"
            )
        watched = [name for name, arm in self.arms.items() if {"keep", "validate_epochs"} & set(arm.training)]
        if watched:
            raise ValueError(
                f"arms.{watched[0]}.training: which epoch is kept is said for the whole study, for a leak may choose it"
            )
        own = [name for name, arm in self.arms.items() if arm.missingness or arm.sources]
        if own:
            raise ValueError(f"arms.{own[0]}: in a study of leaks an arm has neither missingness nor from of its own")
        return self

    @property
    def question(self) -> Primary:
        """How large a difference seems under every protocol."""
        assert self.primary is not None, "checked when read"
        return self.primary

    def benchmark(self) -> Benchmark:
        """The honest protocol's."""
        return Benchmark.model_construct(**{name: getattr(self, name) for name in Benchmark.model_fields})


def read_leak_study(path: Path, overrides: Sequence[str] = ()) -> LeakStudy:
    """A study from a YAML 1.2 file and `dotted.key=value` overrides.

    Raises:
        ConfigError: no such file, no YAML, a doubled key, or what does not fit: every fault with its dotted path.
    """
    return validated(LeakStudy, read_overridden(path, overrides), where=str(path))
