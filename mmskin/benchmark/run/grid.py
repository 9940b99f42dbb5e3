"""Which cells a run has, and where each leaves its answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


def cell_folder(output: Path, arm: str, fold: int | str, seed: int | str) -> Path:
    return output / "cells" / arm / f"fold_{fold}" / f"seed_{seed}"


class Cell(NamedTuple):
    """One arm on one fold with one seed."""

    arm: str
    fold: int
    seed: int

    def folder(self, output: Path) -> Path:
        return cell_folder(output, self.arm, self.fold, self.seed)

    def predictions(self, output: Path) -> Path:
        """Written last: where it is, the cell is finished."""
        return self.folder(output) / "predictions.parquet"

    def missing(self, output: Path) -> Path:
        """The test cases with parts missing; only with the first seed."""
        return self.folder(output) / "missing.parquet"

    def parts(self, output: Path) -> Path:
        """Validation and test cases with each set of parts there; only of the primary arm, with the first seed."""
        return self.folder(output) / "parts.parquet"

    def robustness(self, output: Path) -> Path:
        """The test cases with corrupted photos; only with the first seed."""
        return self.folder(output) / "robustness.parquet"

    def explanations(self, output: Path) -> Path:
        """What its explanations are worth; only of one cell of the primary arm."""
        return self.folder(output) / "explanations.json"

    def licences(self, output: Path) -> Path:
        """Of what the model learned from; not of a table arm."""
        return self.folder(output) / "licences.json"


def cells_of(arm: str, seeds: Sequence[int], folds: Iterable[int]) -> list[Cell]:
    return [Cell(arm, fold, seed) for fold in folds for seed in seeds]


def cell_of(arm: str, seeds: Sequence[int], *, fold: int, seed: int) -> Cell:
    """The cell that answers for this fold and seed: that of the arm's first seed where it is not run with this one."""
    return Cell(arm, fold, seed if seed in seeds else seeds[0])
