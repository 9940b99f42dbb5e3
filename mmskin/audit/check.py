"""Everything wrong with a data set, told at once, before anything is trained on it: `mmskin data check`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mmskin.config.experiment import DataConfig
from mmskin.data.load import folds_of, folds_to_test, prepare_fold, read_source
from mmskin.data.photo_files import find_photos
from mmskin.data.table import Cases
from mmskin.errors import DataError, ImageError, LeakError, first_of
from mmskin.inputs.photos import image_remarks, open_rgb, to_tensor


class Check(NamedTuple):
    """What was found.

    cases: rows of the table; 0 if it could not be read.
    photos: number of photos opened.
    faults: what has to be mended before training, one line each.
    remarks: what should be known, one line each.
    """

    cases: int
    photos: int
    faults: tuple[str, ...]
    remarks: tuple[str, ...]


class _Opened(NamedTuple):
    fault: str | None
    remarks: tuple[str, ...]


def check(data: DataConfig) -> Check:
    """Read the table, its folds and every photo, whatever of them is broken.

    The photos of a table that cannot be read are those that lie under the root.
    """
    faults: list[str] = []
    try:
        cases: Cases | None = read_source(data)
    except DataError as error:
        cases = None
        faults += error.faults
    if cases is None:
        photos = sorted(str(path) for paths in find_photos(Path(data.root)).values() for path in paths)
    else:
        faults += [f"photo not found: {photo}" for photo in cases.absent_photos]
        faults += _fold_faults(data, cases)
        photos = sorted({photo for images in cases.table.images for photo in images})
    opened = open_all(photos)
    unreadable = [found.fault for found in opened if found.fault]
    remarks = [*(cases.remarks if cases else ()), *_photo_remarks(photos, opened)]
    if data.unreadable_photos == "skip" and unreadable:
        remarks.append(f"{len(unreadable)} photos cannot be read and would be left out: {first_of(unreadable)}")
    else:
        faults += unreadable
    return Check(0 if cases is None else len(cases.table), len(photos), tuple(faults), tuple(remarks))


def _fold_faults(data: DataConfig, cases: Cases) -> list[str]:
    """What is wrong with the folds that are tested; a fold is made of labelled cases."""
    table: pd.DataFrame = cases.table[cases.table.target.notna()].reset_index(drop=True)
    labelled = cases._replace(table=table)
    of_folds: dict[str, list[int]] = defaultdict(list)
    try:
        folds = folds_of(data, labelled)
        tested = folds_to_test(data, folds)
    except DataError as error:
        return list(error.faults)
    for number in tested:
        try:
            prepare_fold(data, labelled, folds, number)
        except LeakError as error:  # so in every other fold
            return list(error.faults)
        except DataError as error:
            for fault in error.faults:
                of_folds[fault].append(number)
    return [
        fault if len(numbers) == len(tested) else f"{fault} (fold {first_of(numbers)} as test fold)"
        for fault, numbers in of_folds.items()
    ]


def open_all(photos: Sequence[str]) -> list[_Opened]:
    """Every photo decoded whole, in order; Pillow lets go of the interpreter while it decodes, so threads help."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_open, photos))


def _open(photo: str) -> _Opened:
    try:
        read = open_rgb(photo)
    except ImageError as error:
        return _Opened(str(error), ())
    return _Opened(None, (*read.remarks, *image_remarks(to_tensor(read.image))))


def _photo_remarks(photos: Sequence[str], opened: Sequence[_Opened]) -> list[str]:
    """Photos by what was noticed about them."""
    noticed: dict[str, list[str]] = defaultdict(list)
    for photo, found in zip(photos, opened, strict=True):
        for remark in found.remarks:
            noticed[remark].append(Path(photo).name)
    return [f"{remark}: {len(names)} photos: {first_of(names, 3)}" for remark, names in sorted(noticed.items())]
