"""A photo as a phone leaves it."""

from __future__ import annotations

import io

import numpy as np
from PIL import ExifTags, Image


def phone_photo(picture: Image.Image | None = None, *, side: int = 200, orientation: int = 6) -> bytes:
    """A JPEG with a place, a maker and an orientation in its EXIF, and something behind its end; noise by default."""
    noise = np.random.default_rng(0).integers(0, 255, (side // 2, side, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "Erika Mustermann"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.5)
    out = io.BytesIO()
    (picture or Image.fromarray(noise)).save(out, "JPEG", exif=exif)
    return out.getvalue() + b"PK\x03\x04 hidden"
