"""Whether the names of photos tell patients: "PAT_1316_1114_517.jpg" and "PAT_1316_1120_3.jpg"."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from mmskin.data.photo_files import find_photos

PATTERN = r"/([A-Za-z]+[_-]?[0-9]+)[_-][^/]*$"
_NEARLY_ALL = 0.95  # of the photos: one beginning each tells nobody apart


class FileNamePatients(NamedTuple):
    """A pattern of paths whose group may be the patient, an example, how many of them, of how many photos."""

    pattern: str
    example: str
    patients: int
    photos: int


def patients_in_file_names(folder: Path) -> FileNamePatients | None:
    """What the names of photos begin with, where every one does and some share it; None otherwise."""
    names = ["/" + path.name for paths in find_photos(folder).values() for path in paths]
    found = [re.search(PATTERN, name) for name in names]
    ids = [match[1] for match in found if match]
    if len(ids) < len(names) or not 1 < len({*ids}) < _NEARLY_ALL * len(names):
        return None
    return FileNamePatients(PATTERN, ids[0], len({*ids}), len(names))
