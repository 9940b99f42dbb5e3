"""Photos of a table that are there and cannot be decoded: found before anything is trained, refused or left out.

Every photo is decoded once for it, shrunk as in training: 1,237 photos of PAD-UFES-20 (256 px) take 1.5 s on two busy
cores, one of 12 Mpx 30 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import compress

import pandas as pd

from mmskin.config.experiment import DataConfig
from mmskin.data.table import Cases
from mmskin.errors import DataError, ImageError, first_of
from mmskin.inputs.photos import open_rgb


def without_unreadable(data: DataConfig, cases: Cases) -> Cases:
    """The same cases, if every photo of a labelled one can be decoded; or without those that cannot, if data says so.

    What is left out counts as absent: a case that has no other photo is one without photo, and how many photos may be
    absent is said by `data.absent_photos`, see `mmskin.data.load.check_photos`.

    Args:
        data: says what to do, and at which size photos are read.
        cases: as `mmskin.data.load.read_source` gives them.

    Raises:
        DataError: some cannot, and `data.unreadable_photos` is "error"; all of them are its faults.
    """
    labelled = cases.table[cases.table.target.notna()]
    photos = sorted({photo for images in labelled.images for photo in images})
    reasons = unreadable(photos, max_side=data.photo_side)
    if not reasons:
        return cases
    if data.unreadable_photos == "error":
        told = first_of(list(reasons.values()), 3)
        raise DataError(
            f"{len(reasons)} of {len(photos)} photos of {cases.schema.name} cannot be read: {told}. Mend them, or "
            "leave them out by data.unreadable_photos=skip",
            faults=list(reasons.values()),
        )
    return left_out(cases, list(reasons), of=len(photos))


def skip_unreadable(data: DataConfig, cases: Cases) -> Cases:
    """As `without_unreadable` where data says "skip"; else the same cases, and no photo is decoded."""
    return without_unreadable(data, cases) if data.unreadable_photos == "skip" else cases


def unreadable(photos: Sequence[str], *, max_side: int | None = None) -> dict[str, str]:
    """Of photos by path, those that cannot be decoded, each with its reason; in order.

    Pillow lets go of the interpreter while it decodes, so threads help.
    """
    with ThreadPoolExecutor() as pool:
        reasons = list(pool.map(partial(_reason, max_side=max_side), photos))
    return {photo: reason for photo, reason in zip(photos, reasons, strict=True) if reason}


def left_out(cases: Cases, photos: Sequence[str], *, of: int) -> Cases:
    """The cases without some photos, which are counted among the absent ones and told in a remark.

    Args:
        cases: of which some have these photos.
        photos: their paths.
        of: how many photos were looked at.
    """
    gone = set(photos)
    kept = [[photo not in gone for photo in images] for images in cases.table.images]
    table = cases.table.assign(
        **{
            column: _kept(cases.table[column], kept)
            for column in ("images", "image_kinds", "masks")
            if column in cases.table
        }
    )
    bare = table.case_id[(table.images.map(len) == 0) & (cases.table.images.map(len) > 0)]
    remark = (
        f"{len(photos)} of {of} photos cannot be read and are left out (data.unreadable_photos: skip): "
        f"{first_of(photos)}"
    )
    without = [f"{len(bare)} cases have no other photo: {first_of(list(bare))}"] if len(bare) else []
    return cases._replace(
        table=table,
        remarks=(*cases.remarks, remark, *without),
        absent_photos=(*cases.absent_photos, *photos),
    )


def _kept(column: pd.Series, kept: Sequence[Sequence[bool]]) -> pd.Series:
    """Of each cell, which has an entry a photo or none, the entries that stay."""
    cells = [tuple(compress(cell or (), of)) for cell, of in zip(column, kept, strict=True)]
    return pd.Series(cells, index=column.index, dtype=object)


def _reason(photo: str, *, max_side: int | None) -> str:
    try:
        open_rgb(photo, max_side=max_side)
    except ImageError as error:
        return str(error)
    return ""
