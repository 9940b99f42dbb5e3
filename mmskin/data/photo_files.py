"""Photos under a folder, joined with the rows of a table by file stem, whatever folder and format they lie in."""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmskin.errors import DataError, first_of

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def find_photos(folder: Path) -> dict[str, list[Path]]:
    """Photo files by stem, at any depth; hidden files (macOS leaves ._x.png beside x.png) are no photos."""
    photos: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".") and path.is_file():
            photos[path.stem].append(path)
    return dict(photos)


def join_photos(
    named: Sequence[Sequence[str]], photos: Mapping[str, Sequence[Path]], *, where: str
) -> tuple[dict[str, str], list[str]]:
    """The photos that are there, and remarks on photos without a row and rows without a photo.

    Args:
        named: by case, the stems of its photos.
        photos: from `find_photos`.
        where: the folder's name in remarks.

    Returns:
        absolute path by stem; remarks.

    Raises:
        DataError: two files for one stem that differ.
    """
    stems = list(dict.fromkeys(stem for case in named for stem in case))
    several = {stem: photos[stem] for stem in stems if len(photos.get(stem, ())) > 1}
    ambiguous = [" and ".join(map(str, paths)) for paths in several.values() if not same_bytes(paths)]
    if ambiguous:
        told = first_of(ambiguous, 3)
        raise DataError(f"{len(ambiguous)} photos lie in two files that differ: {told}; keep one of each")
    absent = [stem for stem in stems if stem not in photos]
    stray = sorted(set(photos) - set(stems))
    remarks = []
    if several:
        remarks.append(f"{len(several)} photos lie in several equal copies: one of each is read")
    if absent:
        remarks.append(f"{len(absent)} of {len(stems)} photos are not under {where}: {first_of(absent, 3)}")
    if stray:
        remarks.append(f"{len(stray)} photos under {where} have no row and are not used: {first_of(stray, 3)}")
    return {stem: str(photos[stem][0]) for stem in stems if stem in photos}, remarks


def same_bytes(paths: Sequence[Path]) -> bool:
    """Whether files are copies of one another."""
    first, *others = paths
    return all(filecmp.cmp(first, other, shallow=False) for other in others)
