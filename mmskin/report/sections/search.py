"""What was searched inside the training part of every fold, what was taken, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmskin.json_values import plain
from mmskin.report.numbers import number, rough
from mmskin.report.pages import Grid, Section

NOTE = (
    "A searched arm tries other recipes on three folds inside the training part of each fold, by patient. It keeps its "
    "own unless another has a class-balanced log-loss that is lower by more than one standard error of the paired "
    "difference. Neither validation nor test rows of a fold are read for its choice."
)


class SearchedFold(NamedTuple):
    """One search, as its chosen.json says: options taken, {} for the arm's own recipe; gain of the best trial."""

    arm: str
    fold: int
    trials: int
    options: Mapping[str, Any]
    gain: float
    error: float
    failed: int
    cpu_seconds: float


def search_section(searches: Sequence[SearchedFold]) -> Section:
    """A row an arm and fold."""
    rows = [
        [
            of.arm,
            str(of.fold),
            ", ".join(f"{path} {_value(value)}" for path, value in of.options.items()) or "its own recipe",
            f"{number(of.gain, sign=True)} ({number(of.error)})",
            f"{of.trials}{f', {of.failed} failed' if of.failed else ''}",
            rough(of.cpu_seconds),
        ]
        for of in searches
    ]
    head = ["Arm", "Fold", "Taken", "Gain of the best (standard error)", "Recipes tried", "CPU seconds"]
    total = sum(of.cpu_seconds for of in searches) / 60
    return Section(
        "How recipes were searched",
        NOTE,
        lines=[f"All searches together took {rough(total)} CPU minutes."],
        grids=[Grid("", head, rows, wraps=True)],
        saved={"searches": plain([of._asdict() for of in searches])},
    )


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
