"""Which cells a benchmark has, where each leaves its answer, and what holds the folder together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mmskin.benchmark.arms import data_of
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.data.splits import write_folds
from mmskin.data.table import Cases
from mmskin.errors import UserError


class Cell(NamedTuple):
    """One arm on one fold with one seed."""

    arm: str
    fold: int
    seed: int

    def folder(self, output: Path) -> Path:
        return output / "cells" / self.arm / f"fold_{self.fold}" / f"seed_{self.seed}"

    def predictions(self, output: Path) -> Path:
        """Written last: where it is, the cell is finished."""
        return self.folder(output) / "predictions.parquet"

    def missing(self, output: Path) -> Path:
        """The test cases with parts missing; only with the first seed."""
        return self.folder(output) / "missing.parquet"

    def explanations(self, output: Path) -> Path:
        """What its explanations are worth; only of one cell of the primary arm."""
        return self.folder(output) / "explanations.json"


def cells_of(benchmark: Benchmark, folds: list[int]) -> list[Cell]:
    """All cells, arm by arm; arms that stack others come last, as they read their answers."""
    arms = sorted(benchmark.arms, key=lambda name: bool(benchmark.arms[name].stacked))
    return [Cell(arm, fold, seed) for arm in arms for fold in folds for seed in seeds_of(benchmark, arm)]


def seeds_of(benchmark: Benchmark, name: str) -> list[int]:
    """The seeds with which an arm is run: the first alone for a control, and for one that draws nothing.

    A table arm draws nothing itself; `equalized` histories are drawn, and stacked arms may have been.
    """
    arm = benchmark.arms[name]
    if arm.shuffle_histories:
        return benchmark.seeds[:1]
    if arm.fusion is not None or data_of(benchmark, arm).missingness == "equalized":
        return benchmark.seeds
    stacked = [seed for over in arm.stacked for seed in seeds_of(benchmark, over)]
    return benchmark.seeds if len(set(stacked)) > 1 else benchmark.seeds[:1]


def cell_of(benchmark: Benchmark, arm: str, fold: int, seed: int) -> Cell:
    """The cell that answers for this arm, fold and seed."""
    return Cell(arm, fold, seed if seed in seeds_of(benchmark, arm) else benchmark.seeds[0])


def claim(benchmark: Benchmark, output: Path) -> None:
    """Make the folder and write config.json into it, or go on in one that holds the same benchmark.

    Raises:
        UserError: it holds something else, or another benchmark; names what differs.
    """
    config = output / "config.json"
    if config.exists():
        differing = _differing(json.loads(config.read_text()), benchmark.to_json())
        if differing:
            raise UserError(f"{output} holds another benchmark: {', '.join(differing)} differ; give another --output")
        return
    if output.exists() and any(output.iterdir()):
        raise UserError(f"{output} is not empty and holds no benchmark; give another --output")
    output.mkdir(parents=True, exist_ok=True)
    replace(config, json.dumps(benchmark.to_json(), indent=2) + "\n")


def claim_folds(cases: Cases, folds: pd.Series[int], output: Path) -> None:
    """Write folds.csv and schema.json, or see that the folds are still those of the cells that are there.

    Raises:
        UserError: cases or folds have changed.
    """
    path, now = output / "folds.csv", output / "folds.now.csv"
    write_folds(folds, now, table=cases.table)
    if path.exists() and path.read_bytes() != now.read_bytes():
        now.unlink()
        raise UserError(f"cases or folds are others than when {output} was begun; give another --output")
    now.replace(path)
    replace(output / "schema.json", json.dumps(cases.schema.to_json(), indent=2) + "\n")


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)


def _differing(first: dict[str, Any], second: dict[str, Any], path: str = "") -> list[str]:
    """Dotted paths of what differs."""
    found = []
    for key in sorted({*first, *second}):
        one, two = first.get(key), second.get(key)
        if isinstance(one, dict) and isinstance(two, dict):
            found += _differing(one, two, f"{path}{key}.")
        elif one != two or (key in first) != (key in second):
            found.append(f"{path}{key}")
    return found
