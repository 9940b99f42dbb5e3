"""The folder of a run: claimed for one run at a time, and gone on with only if what it depends on is the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.benchmark.run.fingerprint import changed_data, data_fingerprint, differing, versions
from mmskin.benchmark.run.grid import Cell
from mmskin.data.splits import write_folds
from mmskin.data.table import Cases
from mmskin.errors import UserError, first_of

OWN_FILES = ("lock", "clinic")  # of a folder that holds no run yet; quickstart draws its clinic there


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def write_json(path: Path, content: Any, *, indent: int | None = 1) -> None:
    """Write JSON whole or not at all."""
    replace(path, json.dumps(content, indent=indent, ensure_ascii=False, default=str) + "\n")


def claim(output: Path, *, cases: Cases, folds: pd.Series[int], config: Mapping[str, Any]) -> None:
    """Write what the run depends on into a free folder, or see that a run which is there depends on the same.

    Args:
        output: the folder, locked.
        cases: labelled.
        folds: fold by case id.
        config: of the run, written as config.json; arms are compared cell by cell, see `claim_cells`.

    Raises:
        UserError: the folder holds something else, or a run of other data; names what differs.
    """
    begun_with = output / "data.json"
    now = data_fingerprint(cases, folds)
    if begun_with.exists():
        changed = changed_data(json.loads(begun_with.read_text(encoding="utf-8")), now)
        if changed:
            raise UserError(
                f"the data are not those with which {output} was begun: {'; '.join(changed)}; "
                "restore them, or give another --output"
            )
    else:
        _refuse_foreign(output)
        write_json(begun_with, now, indent=None)
    write_json(output / "config.json", config, indent=2)
    write_json(output / "schema.json", cases.schema.to_json(), indent=2)
    write_json(output / "remarks.json", list(cases.remarks), indent=2)
    unfinished = output / "folds.csv.unfinished"
    write_folds(folds, unfinished, table=cases.table)
    unfinished.replace(output / "folds.csv")


def _refuse_foreign(output: Path) -> None:
    others = sorted(path.name for path in output.iterdir() if path.name not in OWN_FILES)
    if "config.json" in others:
        raise UserError(
            f"{output} holds a run of an earlier mmskin (before it kept data.json): it can be evaluated, not gone on "
            "with; give another --output"
        )
    if others:
        raise UserError(f"{output} is not empty and holds no run: {first_of(others, 3)}; give another --output")


def claim_cells(output: Path, arms: Mapping[str, Mapping[str, Any]], waiting: Iterable[Cell]) -> None:
    """See that the arms of cells that are there are still what they were, and that new cells join them rightly.

    Args:
        output: of the run.
        arms: by name, all that an arm's answers depend on beside data and versions.
        waiting: cells that have still to be run.

    Raises:
        UserError: an arm has changed, or versions have and cells are waiting; names what differs.
    """
    found: dict[str, list[str]] = {}
    begun: dict[str, str] = {}
    for path in sorted((output / "cells").glob("*/*/*/cell.json")):
        name = path.parts[-4]
        if name in arms:
            content = json.loads(path.read_text(encoding="utf-8"))
            begun |= content["versions"]
            for key in differing(content["arm"], json.loads(json.dumps(arms[name], default=str))):
                found.setdefault(key, []).append(name)
    if found:
        described = [f"{key} of {first_of(list(dict.fromkeys(names)), 3)}" for key, names in found.items()]
        raise UserError(
            f"{output} was begun with another configuration: {'; '.join(described)}; change it back, "
            "give the arm another name, or give another --output"
        )
    now = versions()
    other_versions = [f"{name} {then}, now {now[name]}" for name, then in begun.items() if now.get(name, then) != then]
    if other_versions and any(True for _ in waiting):
        raise UserError(
            f"{output} was begun with other versions: {'; '.join(other_versions)}; finish it with those, "
            "or give another --output"
        )


def begin_cell(folder: Path, arm: Mapping[str, Any]) -> None:
    """Write into a cell's folder what its answers depend on."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "cell.json", {"arm": arm, "versions": versions()})
