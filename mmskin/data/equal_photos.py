"""Photos that stand under several ids: kept in one part of a split, and refused on demand.

A photo that stands twice is a leak when its copies fall into two parts, and a fault of the labels when they differ.
Copies are files of the same bytes; on request those of the same pixels, which a new header or another ending hides; and
pairs that a person has confirmed: the audit finds near copies (re-encoded, cropped, mirrored) and lists them in
copies.csv.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from PIL import Image

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.table import Cases
from mmskin.data.union_find import UnionFind
from mmskin.errors import DataError, first_of

Conflicts = Literal["keep", "drop", "error"]
Equal = Literal["bytes", "pixels"]
NOT_READ = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)  # what Pillow raises of odd files


def tie_equal_photos(
    cases: Cases, *, conflicts: Conflicts = "keep", equal: Equal = "bytes", copies: str | Path | None = None
) -> Cases:
    """The same cases with a column `photo_group`: the first case id of those tied by equal photos; None without photo.

    Args:
        cases: their photos are read if another has the same size; decoded only to compare pixels.
        equal: what makes two photos one.
        copies: a CSV with columns first and second, of case ids that show one photo: `copies.csv` of an audit, of which
            rows that are no copies were taken out.
        conflicts: what to do with cases that share a photo and have different labels: keep them all with a remark, drop
            them all, or raise.

    Raises:
        DataError: there are some, and conflicts is "error"; or `copies` does not fit the cases.
    """
    confirmed, elsewhere = ([], 0) if copies is None else confirmed_copies(Path(copies), cases.table)
    groups = pd.Series(
        _photo_groups(cases.table, equal=equal, confirmed=confirmed), index=cases.table.index, dtype=object
    )
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
    if elsewhere:
        remarks.append(
            f"{elsewhere:,} of {elsewhere + len(confirmed):,} pairs in {copies} name a case that is not here"
        )
    same = f"same photo (equal {equal}{' or confirmed copies' if confirmed else ''})"
    if agreeing:
        remark = f"{same} in two or more cases, one diagnosis: {agreeing} times"
        remarks.append(f"{remark}; kept, and kept in one part of a split")
    if sets:
        found = f"{same} under different diagnoses, {len(sets)} times: {first_of(sets)}"
        if conflicts == "error":
            raise DataError(f"{found}. Set data.conflicts to keep or drop, or mend the table")
        remarks.append(f"{found}; {'all dropped' if conflicts == 'drop' else 'all kept'}")
        if conflicts == "drop":
            table = table[~table.case_id.isin(dropped)].reset_index(drop=True)
    return cases._replace(table=table, remarks=tuple(remarks))


def confirmed_copies(path: Path, table: pd.DataFrame) -> tuple[list[tuple[str, str]], int]:
    """Pairs of cases from a file, see `tie_equal_photos`; and how many others there are, of which a case is not here.

    Raises:
        DataError: no such file, columns missing, or no pair of the table.
    """
    rows = read_delimited(path).rows
    require_columns(rows, ["first", "second"], path=path)
    pairs = list(zip(rows["first"], rows["second"], strict=True))
    known = set(table["case_id"])
    here = [pair for pair in pairs if known.issuperset(pair)]
    if pairs and not here:
        raise DataError(f"{path} names no pair of cases of this table; its first is {pairs[0][0]} and {pairs[0][1]}")
    return here, len(pairs) - len(here)


def _photo_groups(table: pd.DataFrame, *, equal: Equal, confirmed: Sequence[tuple[str, str]]) -> list[str | None]:
    """For every case the first one that it is tied to by equal photos, directly or through others."""
    tied: UnionFind[str] = UnionFind()
    ids, images = list(table.case_id), list(table.images)
    order = {case: i for i, case in enumerate(ids)}
    holders: dict[str, list[str]] = defaultdict(list)
    for case, photos in zip(ids, images, strict=True):
        for photo in photos:
            holders[photo].append(case)
    alone = [[photo] for photo, cases in holders.items() if len(cases) > 1]
    same = equal_files(sorted(holders)) if equal == "bytes" else equal_pixels(sorted(holders))
    of_photos = [[case for photo in copies for case in holders[photo]] for copies in [*alone, *same]]
    for tied_cases in [*of_photos, *confirmed]:
        first, *others = sorted({tied.find(case) for case in tied_cases}, key=order.__getitem__)
        for other in others:
            tied.union(first, other)
    return [tied.find(case) if photos else None for case, photos in zip(ids, images, strict=True)]


def equal_files(paths: Iterable[str]) -> list[list[str]]:
    """Sets of two files or more with the same bytes. Only files of one size are read."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for path in paths:
        by_size[Path(path).stat().st_size].append(path)
    return [copies for same_size in by_size.values() if len(same_size) > 1 for copies in _equal_bytes(same_size)]


def equal_pixels(paths: Iterable[str]) -> list[list[str]]:
    """Sets of two files or more that show the same pixels, whatever their format. Only photos of one size are decoded.

    A file that is no photo is like no other one: `mmskin data check` names it.
    """
    by_size: dict[tuple[int, int], list[str]] = defaultdict(list)
    for path in paths:
        try:
            with Image.open(path) as photo:
                by_size[photo.size].append(path)
        except NOT_READ:
            continue
    by_digest: dict[str, list[str]] = defaultdict(list)
    for same_size in by_size.values():
        for path in same_size if len(same_size) > 1 else ():
            try:
                with Image.open(path) as photo:
                    by_digest[hashlib.sha256(photo.convert("RGB").tobytes()).hexdigest()].append(path)
            except NOT_READ:
                continue
    return [copies for copies in by_digest.values() if len(copies) > 1]


def _equal_bytes(paths: Sequence[str]) -> list[list[str]]:
    by_digest: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        with Path(path).open("rb") as file:
            by_digest[hashlib.file_digest(file, "sha256").hexdigest()].append(path)
    return [copies for copies in by_digest.values() if len(copies) > 1]
