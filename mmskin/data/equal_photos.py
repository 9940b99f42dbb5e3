"""Photos that are the same bytes under several ids: kept in one part of a split, and refused on demand.

A photo that stands twice is a leak when its copies fall into two parts, and a fault of the labels when they differ.
Near copies (re-encoded, cropped, mirrored) are the audit's business.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from mmskin.data.table import Cases
from mmskin.data.union_find import UnionFind
from mmskin.errors import DataError, first_of

Conflicts = Literal["keep", "drop", "error"]


def tie_equal_photos(cases: Cases, *, conflicts: Conflicts = "keep") -> Cases:
    """The same cases with a column `photo_group`: the first case id of those tied by equal photos; None without photo.

    Args:
        cases: their photos are read if another has the same size, and not decoded.
        conflicts: what to do with cases that share a photo and have different labels: keep them all with a remark, drop
            them all, or raise.

    Raises:
        DataError: there are some, and conflicts is "error".
    """
    groups = pd.Series(_photo_groups(cases.table), index=cases.table.index, dtype=object)
    table = cases.table.assign(photo_group=groups)
    shared = table[table.photo_group.duplicated(keep=False) & table.photo_group.notna()]
    sets: list[str] = []
    dropped: set[str] = set()
    agreeing = 0
    for _, group in shared.groupby("photo_group", sort=False):
        if group.target.dropna().nunique() > 1:
            sets.append(" = ".join(f"{c} ({t})" for c, t in zip(group.case_id, group.target, strict=True)))
            dropped.update(group.case_id)
        else:
            agreeing += 1
    remarks = list(cases.remarks)
    if agreeing:
        remark = f"same photo (equal bytes) in two or more cases, one diagnosis: {agreeing} times"
        remarks.append(f"{remark}; kept, and kept in one part of a split")
    if sets:
        found = f"same photo (equal bytes) under different diagnoses, {len(sets)} times: {first_of(sets)}"
        if conflicts == "error":
            raise DataError(f"{found}. Set data.conflicts to keep or drop, or mend the table")
        remarks.append(f"{found}; {'all dropped' if conflicts == 'drop' else 'all kept'}")
        if conflicts == "drop":
            table = table[~table.case_id.isin(dropped)].reset_index(drop=True)
    return cases._replace(table=table, remarks=tuple(remarks))


def _photo_groups(table: pd.DataFrame) -> list[str | None]:
    """For every case the first one that it is tied to by equal photos, directly or through others."""
    tied: UnionFind[str] = UnionFind()
    ids, images = list(table.case_id), list(table.images)
    order = {case: i for i, case in enumerate(ids)}
    holders: dict[str, list[str]] = defaultdict(list)
    for case, photos in zip(ids, images, strict=True):
        for photo in photos:
            holders[photo].append(case)
    alone = [[photo] for photo, cases in holders.items() if len(cases) > 1]
    for copies in [*alone, *equal_files(sorted(holders))]:
        first, *others = sorted({tied.find(case) for photo in copies for case in holders[photo]}, key=order.__getitem__)
        for other in others:
            tied.union(first, other)
    return [tied.find(case) if photos else None for case, photos in zip(ids, images, strict=True)]


def equal_files(paths: Iterable[str]) -> list[list[str]]:
    """Sets of two files or more with the same bytes. Only files of one size are read."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for path in paths:
        by_size[Path(path).stat().st_size].append(path)
    return [copies for same_size in by_size.values() if len(same_size) > 1 for copies in _equal_bytes(same_size)]


def _equal_bytes(paths: Sequence[str]) -> list[list[str]]:
    by_digest: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        with Path(path).open("rb") as file:
            by_digest[hashlib.file_digest(file, "sha256").hexdigest()].append(path)
    return [copies for copies in by_digest.values() if len(copies) > 1]
