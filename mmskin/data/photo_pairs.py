"""Cases that are a clinical close-up and a dermoscopic photo of one lesion: which of the two are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from mmskin.data.photo_files import join_photos
from mmskin.errors import ConfigError, first_of, one_of

CLINICAL, DERMOSCOPIC = "clinical", "dermoscopic"
Photos = Literal["both", "clinical", "dermoscopic"]


def wanted_kinds(photos: str) -> tuple[str, ...]:
    """The kinds of photo that the option names, in the order in which a case has them.

    Raises:
        ConfigError: it is none of both, clinical, dermoscopic.
    """
    if photos not in get_args(Photos):
        raise ConfigError(one_of("photos", photos, get_args(Photos)))
    return (CLINICAL, DERMOSCOPIC) if photos == "both" else (photos,)


def join_pairs(
    pairs: Mapping[str, Mapping[str, str]],
    kinds: Sequence[str],
    photos: Mapping[str, Sequence[Path]],
    *,
    where: str,
) -> tuple[list[tuple[str, ...]], list[str]]:
    """The photos of every case that are wanted, and remarks, as `join_photos` gives them.

    Args:
        pairs: by case id, the name of its photo by kind; a kind that the case lacks is no key.
        kinds: those wanted, in order. Photos of another kind are left out and are not told as strays.
        photos: files by name.
        where: the folder's name in remarks.

    Raises:
        DataError: two files for one name.
    """
    wanted = [list(dict.fromkeys(pair[kind] for kind in kinds if kind in pair)) for pair in pairs.values()]
    named = {name for pair in pairs.values() for name in pair.values()}
    left_out = named - {name for names in wanted for name in names}
    images, remarks = join_photos(wanted, {n: f for n, f in photos.items() if n not in left_out}, where=where)
    for kind in kinds:
        lacking = [case for case, pair in pairs.items() if kind not in pair]
        if lacking:
            remarks.append(f"{len(lacking)} cases have no {kind} photo in the table: {first_of(lacking, 3)}")
    return images, remarks
