"""Photos that a table names by their path, found where they really lie: with another ending, in other letters, deeper.

A name is taken as it stands where that is a file. Otherwise the photo of that place is looked for in any case of
letters and with any ending; then, if the folder that it names holds none of the photos that are named in it, that of
the file name at any depth (else a mask, or a copy of another size, could stand for a lost photo). What was found so is
counted. A name that fits different photos fits none; copies of the same bytes are one photo.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple

from mmskin.data.photo_files import PHOTO_SUFFIXES, find_photos, same_bytes
from mmskin.data.photo_paths import MissingPhoto, PhotoFolder
from mmskin.errors import DataError, first_of

_ENDINGS = (*PHOTO_SUFFIXES, ".bmp", ".gif", ".heic", ".heif", ".tif", ".tiff")  # that a table may have beside ours


class PhotoSearch(NamedTuple):
    """What was found of the photos that are named.

    found: absolute path by name.
    absent: names of which there is no photo.
    refused: why a name cannot be one, by name.
    remarks: how many were found elsewhere than named, with examples.
    """

    found: dict[str, str]
    absent: list[str]
    refused: dict[str, str]
    remarks: list[str]


def search_photos(root: Path, names: Iterable[str], *, elsewhere_too: bool = True) -> PhotoSearch:
    """Every name once.

    Args:
        root: the folder under which the photos lie.
        names: relative paths.
        elsewhere_too: whether what is no file as it stands is looked for; not under a folder that nobody named.
    """
    folder = PhotoFolder(root)
    search = PhotoSearch({}, [], {}, [])
    elsewhere: list[str] = []
    for name in dict.fromkeys(names):
        try:
            search.found[name] = folder.locate(name)
        except MissingPhoto:
            # A whole path is where its photo is, or nowhere: under it lies, at worst, the whole disk.
            is_looked_for = elsewhere_too and not PurePath(name).is_absolute()
            (elsewhere if is_looked_for else search.absent).append(name)
        except DataError as fault:
            search.refused[name] = str(fault)
    if not elsewhere:
        return search
    by_place, by_file_name = _photos_of(root)
    places = {name: PurePosixPath(place_of(PurePosixPath(name))) for name in (*search.found, *elsewhere)}
    in_use = {place.parent for place in places.values() if str(place) in by_place}
    moved: dict[str, str] = {}
    copies = 0
    for name in elsewhere:
        place = places[name]
        deeper = [] if place.parent in in_use else by_file_name.get(place.name, [])
        there = by_place.get(str(place), deeper)
        if not there:
            search.absent.append(name)
        elif len(there) > 1 and not same_bytes(there):
            search.refused[name] = f"{name!r} may be {' or '.join(_short(there, root))}, which differ"
        else:
            try:  # what was found may be a link that leads out of the folder
                moved[name] = folder.locate(str(there[0].relative_to(folder.root)))
            except DataError as fault:
                search.refused[name] = str(fault)
                continue
            copies += len(there) > 1
    _refuse_one_for_two(moved, search)
    if moved:
        examples = [f"{name} at {PurePath(path).relative_to(root.absolute())}" for name, path in moved.items()]
        search.remarks.append(
            f"{len(moved)} photos were found with another ending, in other letters or in another folder: "
            f"{first_of(examples, 3)}"
        )
    if copies:
        search.remarks.append(f"{copies} photos lie in several equal copies: one of each is read")
    search.found.update(moved)
    return search


def place_of(path: PurePath) -> str:
    """A path without its ending, in small letters: the same for a photo however a copy writes it."""
    return (path.with_suffix("") if path.suffix.lower() in _ENDINGS else path).as_posix().lower()


def _photos_of(root: Path) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """The photos under a folder by place, and by file name without ending."""
    by_place: dict[str, list[Path]] = defaultdict(list)
    by_file_name: dict[str, list[Path]] = defaultdict(list)
    whole = root.absolute()
    for path in sorted(path for paths in find_photos(whole).values() for path in paths):
        place = place_of(path.relative_to(whole))
        by_place[place].append(path)
        by_file_name[PurePosixPath(place).name].append(path)
    return by_place, by_file_name


def _refuse_one_for_two(moved: dict[str, str], search: PhotoSearch) -> None:
    """Names in different folders that would be one photo are none."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, path in moved.items():
        names[path].append(name)
    for path, meant in names.items():
        if len({place_of(PurePosixPath(name)) for name in meant}) > 1:
            for name in meant:
                del moved[name]
                search.refused[name] = f"{path} lies there once for {' and '.join(meant)}"


def _short(paths: Sequence[Path], root: Path) -> list[str]:
    return [str(path.relative_to(root.absolute())) for path in paths]
