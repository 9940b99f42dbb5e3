"""From the reader of a photo to that of the same photo with a fault, whatever reads it."""

from __future__ import annotations

from mmskin.inputs.corruptions import Corruption
from mmskin.inputs.feature_store import StoredPhotos
from mmskin.inputs.readers import PhotoReader, Reader


def corrupted_reader(reader: Reader, corruption: Corruption) -> Reader:
    """Reads photos with a fault from disk, also where the plain ones are looked up; notes and columns as before.

    So a frozen encoder is run anew on what it reads, and nothing of that is stored.
    """
    plain = reader.reader if isinstance(reader, StoredPhotos) else reader
    return plain.corrupted(corruption) if isinstance(plain, PhotoReader) else plain
