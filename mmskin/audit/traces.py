"""What the audit keeps of every photo after decoding it once: hashes, a thumbnail, an embedding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from mmskin.audit.alignment import THUMBNAIL
from mmskin.audit.embeddings import embed, packaged_encoder
from mmskin.data.equal_photos import equal_files
from mmskin.encoders.encoder_contract import Encoder
from mmskin.errors import ImageError, ModelError
from mmskin.inputs.photos import open_rgb, to_tensor

MAX_SIDE = 256  # pixels, as photos are read for training
_AT_A_TIME = 64
_READERS = 2  # threads that decode


class Traces(NamedTuple):
    """Of N photos of different content.

    copies: by row, the paths that hold these very bytes, in the order given.
    hashes: (N, 2, 64) bool, perceptual hash of the photo and of its mirror image.
    thumbnails: (N, THUMBNAIL, THUMBNAIL) uint8, grey, squashed to a square.
    embeddings: (N, D) float32, see `embed`; None without the pretrained weights.
    unreadable: by path, why a photo could not be read.
    remarks: what could not be done, one line each.
    """

    copies: tuple[tuple[str, ...], ...]
    hashes: NDArray[np.bool_]
    thumbnails: NDArray[np.uint8]
    embeddings: NDArray[np.float32] | None
    unreadable: dict[str, str]
    remarks: tuple[str, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """The row of every readable path."""
        return {path: row for row, paths in enumerate(self.copies) for path in paths}


class _Trace(NamedTuple):
    hashes: NDArray[np.bool_]
    thumbnail: NDArray[np.uint8]
    pixels: Tensor


def trace_photos(paths: Iterable[str], *, embedded: bool = True) -> Traces:
    """Read photos, one of each content.

    Args:
        paths: a path may stand several times.
        embedded: run the packaged network over them too, which takes nine tenths of the time.
    """
    encoder, remarks = _encoder() if embedded else (None, ())
    copies, hashes, thumbnails, vectors = [], [], [], []
    unreadable: dict[str, str] = {}
    for chunk, traces in _traced(_by_content(paths)):
        read = []
        for same, trace in zip(chunk, traces, strict=True):
            if isinstance(trace, str):
                unreadable |= dict.fromkeys(same, trace)
                continue
            copies.append(same)
            hashes.append(trace.hashes)
            thumbnails.append(trace.thumbnail)
            read.append(trace.pixels)
        if encoder is not None:
            vectors.append(embed(encoder, read))
    return Traces(
        copies=tuple(copies),
        hashes=np.array(hashes, np.bool_).reshape(-1, 2, 64),
        thumbnails=np.array(thumbnails, np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL),
        embeddings=None if encoder is None else np.concatenate([np.zeros((0, encoder.out_dim), np.float32), *vectors]),
        unreadable=unreadable,
        remarks=remarks,
    )


def _encoder() -> tuple[Encoder | None, tuple[str, ...]]:
    try:
        return packaged_encoder(), ()
    except ModelError as error:
        return None, (
            f"photos are compared by perceptual hash alone, which misses more of the cropped copies: {error}",
        )


def _by_content(paths: Iterable[str]) -> list[tuple[str, ...]]:
    """Paths of the same bytes together, in the order of the first ones."""
    given = list(dict.fromkeys(paths))
    sets = {path: tuple(same) for same in equal_files(path for path in given if Path(path).is_file()) for path in same}
    return list(dict.fromkeys(sets.get(path, (path,)) for path in given))


def _traced(contents: list[tuple[str, ...]]) -> Iterator[tuple[list[tuple[str, ...]], list[_Trace | str]]]:
    """Chunks of contents, and what each gave: its trace, or why not."""
    with ThreadPoolExecutor(_READERS) as pool:
        for start in range(0, len(contents), _AT_A_TIME):
            chunk = contents[start : start + _AT_A_TIME]
            yield chunk, list(pool.map(_trace, (same[0] for same in chunk)))


def _trace(path: str) -> _Trace | str:
    try:
        photo = open_rgb(path, max_side=MAX_SIDE).image
    except ImageError as error:
        return str(error)
    thumbnail = photo.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    hashes = [imagehash.phash(picture).hash.flatten() for picture in (thumbnail, ImageOps.mirror(thumbnail))]
    return _Trace(np.stack(hashes), np.asarray(thumbnail), to_tensor(photo))
