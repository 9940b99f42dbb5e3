"""Fields of noise from which skin and lesions are made."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_TILES = 4  # independent tiles of each kind, so that photos of one clinic do not share one sheet of skin


def noise(rng: np.random.Generator, size: int, *, cycles: float, octaves: float) -> Plane:
    """(size, size) noise of mean 0 and deviation about 1, cut from a tile at a random place.

    Args:
        rng: chooses tile, place and orientation.
        size: pixels of a side.
        cycles: the main frequency, in cycles per photo: the look does not depend on the size.
        octaves: width of the band around it; narrow is regular, wide is cloudy.
    """
    tile = _tile(size, cycles, octaves, int(rng.integers(_TILES)))
    top, left = rng.integers(len(tile), size=2)
    rows, columns = (np.arange(size) + top) % len(tile), (np.arange(size) + left) % len(tile)
    cut: Plane = tile[rows[:, None], columns[None]]
    return cut.T if rng.random() < 0.5 else cut


@lru_cache(maxsize=128)
def _tile(size: int, cycles: float, octaves: float, index: int) -> Plane:
    """White noise with a log-normal band of frequencies, periodic, of twice the photo's side."""
    side = 2 * size
    rng = np.random.default_rng([size, int(cycles * 100), int(octaves * 100), index])
    y, x = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    frequency = np.hypot(y, x) * size
    frequency[0, 0] = np.inf
    # 1 / frequency turns equal power per octave into amplitude in two dimensions.
    band = np.exp(-0.5 * (np.log2(frequency / cycles) / octaves) ** 2) / frequency
    tile = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((side, side))) * band, s=(side, side))
    return np.asarray((tile - tile.mean()) / tile.std(), dtype=np.float32)
