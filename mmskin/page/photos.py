"""Photos of visitors: decoded once, kept in memory only, each for its visitor only, for minutes.

What a visitor sends is never written to a disk. The picture is decoded (`open_rgb`), so EXIF, file name and whatever
hangs at the end of the file are gone, and lies under a random name that only its owner can use.
"""

from __future__ import annotations

import io
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image

from mmskin.inputs.photos import image_remarks, open_rgb, to_tensor

MOST = 64
MINUTES = 10
QUALITY_SIDE = 256  # at least: on what its thresholds were measured; a sharp photo looks blurred at 128
SHOWN_SIDE = 960  # pixels of the longer side on the screen


@dataclass(frozen=True)
class Kept:
    """image: as the model reads it, the same pixels as from the file. shown: a JPEG for the screen, without any EXIF.
    remarks: of reading. quality: what is wrong with the photo. owner: the visitor; None for a picture that everybody
    may see. until: when it is forgotten."""

    image: Image.Image
    shown: bytes
    remarks: tuple[str, ...]
    quality: tuple[str, ...]
    owner: str | None
    until: float


class Photos:
    """At most so many photos, the oldest leave first.

    Args:
        max_side: the longest side that the model reads, pixels.
        most: photos kept at a time.
        minutes: from the last use.
        clock: seconds that only rise.
    """

    def __init__(
        self, *, max_side: int, most: int = MOST, minutes: float = MINUTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.max_side, self.most, self.seconds, self.clock = max_side, most, 60 * minutes, clock
        self._kept: dict[str, Kept] = {}
        self._lock = threading.Lock()

    def keep(self, data: bytes | Image.Image, owner: str | None) -> str:
        """Decode a photo and keep it under a new random name, which is returned.

        Raises:
            ImageError: see `open_rgb`.
        """
        read = open_rgb(data, max_side=self.max_side)
        shown = io.BytesIO()
        open_rgb(data, max_side=SHOWN_SIDE).image.save(shown, "JPEG", quality=88)
        name = f"{secrets.token_urlsafe(24)}.jpg"
        quality = image_remarks(to_tensor(open_rgb(data, max_side=max(QUALITY_SIDE, self.max_side)).image))
        kept = Kept(read.image, shown.getvalue(), read.remarks, quality, owner, self._until(owner))
        with self._lock:
            self._forget_old()
            self._kept[name] = kept
            theirs = [name for name, kept in self._kept.items() if kept.owner is not None]
            for oldest in theirs[: max(0, len(theirs) - self.most)]:
                del self._kept[oldest]
        return name

    def get(self, name: str, visitor: str) -> Kept | None:
        """A photo of this visitor, or one that everybody may see; None alike for what is unknown, gone or another's."""
        with self._lock:
            self._forget_old()
            kept = self._kept.get(name)
            if kept is None or kept.owner not in (None, visitor):
                return None
            self._kept[name] = replace(kept, until=self._until(kept.owner))
            return kept

    def __len__(self) -> int:
        with self._lock:
            self._forget_old()
            return len(self._kept)

    def _until(self, owner: str | None) -> float:
        return float("inf") if owner is None else self.clock() + self.seconds

    def _forget_old(self) -> None:
        now = self.clock()
        self._kept = {name: kept for name, kept in self._kept.items() if kept.until > now}
