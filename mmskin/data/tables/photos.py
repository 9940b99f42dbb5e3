"""The photos of every case: which ones its row names, of which kind, and where they lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mmskin.data.photo_files import find_photos, join_photos
from mmskin.data.photo_paths import MissingPhoto, PhotoFolder
from mmskin.data.photo_search import place_of, search_photos
from mmskin.data.tables.declaration import Declaration
from mmskin.data.tables.faults import Findings
from mmskin.data.tables.rows import Rows
from mmskin.errors import DataError, first_of, one_of


class Photo(NamedTuple):
    """What a row says of a photo; its name as `photo_stem` or `place_of` gives it, or a path."""

    row: int
    kind: str
    name: str


Named = list[Photo]  # of one case


def photo_stem(cell: str, column: str) -> str:
    """A photo's file name, with or without its ending, as its stem.

    Raises:
        DataError: it names folders.
    """
    if "/" in cell or "\\" in cell:
        raise DataError(f"{column}={cell!r} must be a file name without folders")
    return Path(cell).stem


def named_photos(declaration: Declaration, rows: Rows) -> list[Named]:
    """By row, the photos that it names; what is no name is a problem."""
    root = PhotoFolder(rows.folder / declaration.image_root)

    def read(cell: str, column: str) -> str:
        if declaration.photo_names == "path":
            return cell + declaration.image_suffix
        if declaration.photo_names == "stem":
            return photo_stem(cell, column)
        with suppress(MissingPhoto):  # in other letters, in another format or without its folder, perhaps
            root.locate(cell)
        return place_of(PurePosixPath(cell))

    by_row: list[Named] = [[] for _ in rows.cells.index]
    for kind, columns in declaration.photos.items():
        for column in columns:
            for place, (row, cell) in enumerate(rows.cells[column].items()):
                if not _is_of_kind(declaration, rows, place, kind):
                    continue
                for written in _separated(cell, declaration.image_separator):
                    try:
                        by_row[place].append(Photo(int(str(row)), kind, read(written, column)))
                    except DataError as fault:
                        rows.findings.problems.append(f"row {row}, column {column!r}: {fault}")
    if declaration.photo_rows:
        _check_kinds(declaration, rows)
    return by_row


def _separated(cell: str, separator: str | None) -> list[str]:
    return [part.strip() for part in (cell.split(separator) if separator else [cell]) if part.strip()]


def _is_of_kind(declaration: Declaration, rows: Rows, place: int, kind: str) -> bool:
    """Whether a row may name photos of that kind: any, unless the table has a row for each photo."""
    if declaration.photo_rows is None:
        return True
    return declaration.photo_rows.kinds.get(rows.cells[declaration.photo_rows.column].iloc[place]) == kind


def _check_kinds(declaration: Declaration, rows: Rows) -> None:
    assert declaration.photo_rows
    column, kinds = declaration.photo_rows.column, declaration.photo_rows.kinds
    photo = declaration.photo_columns[0]
    for row, cell in rows.cells[column].items():
        if cell not in kinds:
            rows.findings.problems.append(f"row {row}: {one_of(column, cell, kinds)}")
    for row in rows.where(photo, ""):
        rows.findings.problems.append(f"row {row}: {photo} is blank")


def locate_photos(
    declaration: Declaration, folder: Path, named: Sequence[Named], cases: Sequence[str], findings: Findings
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """By case the absolute paths of its photos that are there, and their kinds; what is not there is remarked."""
    root = folder / declaration.image_root
    find = _find_paths if declaration.photo_names == "path" else _find_files
    found = find(declaration, root, named, findings)
    findings.remarks += _kinds_lacking(declaration, named, cases)
    images, kinds = [], []
    for photos in named:
        here: dict[str, str] = {}
        for photo in photos:
            if path := found.get(photo.name):
                here.setdefault(path, photo.kind)
        images.append(tuple(here))
        kinds.append(tuple(here.values()))
    return images, kinds


def _kinds_lacking(declaration: Declaration, named: Sequence[Named], cases: Sequence[str]) -> list[str]:
    remarks = []
    for kind in declaration.photos if len(declaration.photos) > 1 else ():
        lacking = [case for case, photos in zip(cases, named, strict=True) if kind not in {p.kind for p in photos}]
        if lacking:
            remarks.append(f"{len(lacking)} cases have no {kind} photo in the table: {first_of(lacking, 3)}")
    return remarks


def _find_paths(declaration: Declaration, root: Path, named: Sequence[Named], findings: Findings) -> dict[str, str]:
    """Where the photos lie that are named by their path, by name."""
    photos = [photo for of_case in named for photo in of_case]
    search = search_photos(root, (photo.name for photo in photos))
    absent = [f"row {photo.row} {photo.name!r}" for photo in photos if photo.name in set(search.absent)]
    findings.problems += [
        f"row {photo.row}, photo {search.refused[photo.name]}" for photo in photos if photo.name in search.refused
    ]
    findings.remarks += search.remarks
    if absent and not search.found and not search.refused:
        findings.problems.append(
            f"none of {len(absent)} photos is under {root}, looked for: {first_of(absent, 3)}; set image_root or "
            "image_suffix, or leave images out"
        )
    elif absent:
        findings.remarks.append(f"{len(absent)} photos not found: {first_of(absent)}")
        findings.absent_photos += absent
    without = sum(not any(photo.name in search.found for photo in of_case) for of_case in named)
    if without and declaration.photos:
        findings.remarks.append(f"{without} cases without a photo")
    return search.found


def _find_files(declaration: Declaration, root: Path, named: Sequence[Named], findings: Findings) -> dict[str, str]:
    """Where the photos lie whose files are looked for under a folder, by name; one that fits two is a problem."""
    names = [[photo.name for photo in photos] for photos in named]
    where = str(root) if declaration.image_root == "." else declaration.image_root
    try:
        files = find_photos(root)
        if declaration.photo_names == "any_case":
            files = _by_place(root)
            flat = _without_folders([name for case in names for name in case], files)
            moved = {place: files[name] for place, name in flat.items()}
            files = {name: paths for name, paths in files.items() if name not in flat.values()} | moved
        found, remarks = join_photos(names, files, where=where)
    except DataError as fault:
        findings.problems.append(str(fault))
        return {}
    findings.remarks += remarks
    if found:
        findings.absent_photos += [name for case in names for name in case if name not in found]
    return found


# --- names in any case of letters, with any ending, with or without their folders ---


def _by_place(folder: Path) -> dict[str, list[Path]]:
    """The photos under a folder by their place."""
    photos: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for paths in find_photos(folder).values() for path in paths):
        photos[place_of(path.relative_to(folder))].append(path)
    return dict(photos)


def _without_folders(places: Iterable[str], found: Container[str]) -> dict[str, str]:
    """The photos that are not at their place but lie flat in a copy, with where they are.

    Raises:
        DataError: photos of two folders that would be one in such a copy.
    """
    flat = {place: PurePosixPath(place).name for place in places if place not in found}
    flat = {place: name for place, name in flat.items() if name in found}
    meant = defaultdict(list)
    for place, name in flat.items():
        meant[name].append(place)
    ambiguous = [f"{name} for {' and '.join(among)}" for name, among in meant.items() if len(among) > 1]
    if ambiguous:
        raise DataError(f"{len(ambiguous)} photos lie there once for two: {first_of(ambiguous)}; keep their folders")
    return flat
