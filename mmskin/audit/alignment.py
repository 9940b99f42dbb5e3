"""Do two photos show the same picture? The fine detail of one is laid over the other: mirrored, shifted, scaled.

Two lesions on like skin agree in their coarse shape and colours, and two with a pen ring or a ruler in a line. What no
two shots share is detail everywhere: hairs, pores, furrows, the very edge of the lesion. So each photo is squashed to a
square, which undoes a squeezed aspect, its detail is taken out with the contrast of the surroundings made equal, and

1. the centre of the first is looked for in the second on a grid of places and scales (normalised cross-correlation by
   Fourier transform; Lewis, "Fast normalized cross-correlation", 1995);
2. where something is found, the fit is refined by any affine map (Gauss-Newton; Baker and Matthews, "Lucas-Kanade 20
   years on", IJCV 2004, without their inverse step);
3. the similarity is what five in six parts of the picture reach: one line in common is not enough.

The numbers below were chosen on copies of photos of half of the patients of PAD-UFES-20 and on a synthetic clinic, 250
of each: re-encoded, resized, cropped, mirrored, and all but resized at once, against the nearest neighbours of other
lesions in both sets. `scripts/audit_planted_copies.py` measures on the other patients and another clinic.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn import functional as F

THUMBNAIL = 96
"""Side of the grey squares that are given, pixels: enough for the largest scale below."""

SIDE = 64
"""Side at which photos are compared, pixels."""

SCALES = (0.86, 0.9, 0.95, 1.0, 1.05, 1.11, 1.17)
"""How much larger the first photo's content is drawn to fit the second; what lies between is found by refining."""

CENTRE = 0.72
"""Share of the first photo's side that is looked for: it lies in any window of 86 % of the side."""

BLUR, SURROUNDINGS = 1.5, 3.0
"""Standard deviations in pixels of the blur that is taken off, and of the surroundings whose contrast is divided by:
of blurs of 1.5, 3 and 6 the first parted copies from others best, and dividing brought the highest of the others on the
grid from .65 down to .32."""

NOISE = 2.0
"""Grey levels added to the contrast, so that the noise of smooth skin is not blown up to detail."""

FLOOR = 0.3
"""Correlation on the grid from which a fit is refined: copies have .6 or more there, nine in ten
other neighbours .28 or less."""

ROUNDS = 8
"""Rounds of refinement."""

PARTS, PARTS_APART = 6, 1 / 6
"""Parts along each side of the centre, and the share of them that may agree less than the similarity says. The least
similar copy had .59 and the most similar other neighbours .22; by the median of the parts .74 and .64, because round
lesions in pen rings can be laid over each other."""


class Alignment(NamedTuple):
    """The best fit of each of P pairs.

    similarity: (P,) float32, in [-1, 1]: the correlation of the detail that five in six parts of the picture reach; 0
        where nothing was found to be refined.
    mirrored: (P,) bool, the second photo had to be mirrored.
    moved: (P,) bool, it had to be shifted or scaled, by more than a pixel at the corners of the centre.
    """

    similarity: NDArray[np.float32]
    mirrored: NDArray[np.bool_]
    moved: NDArray[np.bool_]


class _Step(NamedTuple):
    """One scale, as matrices that act on rows and columns alike.

    resize: (side, THUMBNAIL). blur, surroundings: (side, side).
    box: (positions, SIDE), sums over each window of the searched photo.
    window: side of the centre, pixels.
    """

    resize: Tensor
    blur: Tensor
    surroundings: Tensor
    box: Tensor
    window: int


class _Fits(NamedTuple):
    """On the grid, by pair: correlation, whether the second is mirrored, and the affine map (P, 2, 3) of `grid_sample`
    from the first photo to the second."""

    correlation: Tensor
    mirrored: Tensor
    maps: Tensor


@contextmanager
def _one_thread() -> Iterator[None]:
    """For small operations: on two busy cores threads waited for each other up to 20 times as long as they worked."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@_one_thread()
@torch.inference_mode()
def align(thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64], *, chunk: int = 256) -> Alignment:
    """Lay the photos of each pair over each other.

    Args:
        thumbnails: (N, THUMBNAIL, THUMBNAIL) grey.
        pairs: (P, 2) indices of thumbnails.
        chunk: pairs at a time; 256 take about 50 MB.
    """
    grey = torch.from_numpy(thumbnails)
    indices = torch.from_numpy(pairs)
    fits = _Fits(torch.zeros(len(pairs)), torch.zeros(len(pairs), dtype=torch.bool), torch.zeros(len(pairs), 2, 3))
    by_first = indices[:, 0].argsort(stable=True)  # then a photo is prepared once for most of its pairs
    for rows in _chunks(by_first, chunk):
        for whole, part in zip(fits, _search(grey, indices[rows]), strict=True):
            whole[rows] = part
    similarity, displacement = torch.zeros(len(pairs)), torch.zeros(len(pairs))
    for rows in _chunks((fits.correlation > FLOOR).nonzero()[:, 0], chunk):
        first, second = (grey[indices[rows, k]].float() for k in (0, 1))
        second = torch.where(fits.mirrored[rows, None, None], second.flip(-1), second)
        maps, similarity[rows] = _refine(first, second, fits.maps[rows])
        displacement[rows] = _displacement(maps)
    return Alignment(similarity.numpy(), fits.mirrored.numpy(), (displacement > 1).numpy())


def _chunks(rows: Tensor, size: int) -> Iterator[Tensor]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _search(grey: Tensor, pairs: Tensor) -> _Fits:
    """The best place and scale on the grid."""
    (first, of_first), (second, of_second) = (torch.unique(pairs[:, k], return_inverse=True) for k in (0, 1))
    first, second = grey[first].float(), grey[second].float()
    searched = _detail(second, _step(1.0))
    spectra = [torch.fft.rfft2(plane) for plane in (searched, searched.flip(-1))]
    best = torch.full((len(of_first),), -1.0)
    mirrored = torch.zeros(len(of_first), dtype=torch.bool)
    maps = torch.eye(2, 3).repeat(len(of_first), 1, 1)
    for step in map(_step, SCALES):
        wanted = torch.fft.rfft2(_template(first, step), s=(SIDE, SIDE)).conj()[of_first]
        spread = _spread(searched, step)
        positions = SIDE - step.window + 1
        for flipped, spectrum in enumerate(spectra):
            products = torch.fft.irfft2(wanted * spectrum[of_second], s=(SIDE, SIDE))[:, :positions, :positions]
            norms = (spread.flip(-1) if flipped else spread)[of_second]
            correlation, place = (products / norms).flatten(1).max(1)
            better = correlation > best
            best = torch.where(better, correlation, best)
            mirrored = torch.where(better, torch.tensor(bool(flipped)), mirrored)
            maps = torch.where(better[:, None, None], _maps(place // positions, place % positions, step), maps)
    return _Fits(best, mirrored, maps)


def _maps(row: Tensor, column: Tensor, step: _Step) -> Tensor:
    """(P, 2, 3): coordinates in [-1, 1] of the first photo → those of the second, its window at this place."""
    side = len(step.blur)
    start = (side - step.window) // 2
    maps = (side / SIDE * torch.eye(2, 3)).repeat(len(row), 1, 1)
    maps[:, :, 2] = (2 * (torch.stack([column, row], 1) - start) + side) / SIDE - 1
    return maps


def _refine(first: Tensor, second: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Affine maps that fit better, and how well they fit: (P, 2, 3), (P,)."""
    step = _step(1.0)
    wanted = _centre(_detail(first, step), step)
    grey = _both_ways(step.resize, second)
    for _ in range(ROUNDS):
        warped = _detail_through(maps, grey, step)
        jacobian = _jacobian(warped, step)
        residual = (wanted - _centre(warped, step)).flatten(1)
        normal = jacobian.mT @ jacobian
        damping = 1e-3 * normal.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(6) + 1e-6 * torch.eye(6)
        change = torch.linalg.solve(normal + damping, jacobian.mT @ residual[..., None]).view(-1, 2, 3)
        maps = maps + maps[:, :, :2] @ change  # the change is in the first photo's coordinates
    return maps, _agreement(wanted, _centre(_detail_through(maps, grey, step), step))


def _detail_through(maps: Tensor, grey: Tensor, step: _Step) -> Tensor:
    """Detail of the second photos as the first ones see them: (P, SIDE, SIDE)."""
    grid = F.affine_grid(maps, [len(maps), 1, SIDE, SIDE], align_corners=False)
    seen = F.grid_sample(grey[:, None], grid, mode="bicubic", padding_mode="border", align_corners=False)
    return _contrast(seen[:, 0], step)


def _jacobian(warped: Tensor, step: _Step) -> Tensor:
    """Change of every pixel of the centre with the six numbers of a map of the first photo's plane: (P, n, 6)."""
    line = (2 * torch.arange(SIDE) + 1.0) / SIDE - 1
    x = line.expand(SIDE, SIDE)
    places = _centre(torch.stack([x, x.T, torch.ones_like(x)]), step).flatten(1).T
    slopes = [SIDE / 4 * (warped.roll(-1, axis) - warped.roll(1, axis)) for axis in (2, 1)]  # two pixels: 4 / SIDE
    return torch.cat([_centre(slope, step).flatten(1)[..., None] * places for slope in slopes], -1)


def _agreement(wanted: Tensor, found: Tensor) -> Tensor:
    """The correlation that all but `PARTS_APART` of the parts of the centre reach: (P,)."""
    a, b = _parts(wanted), _parts(found)
    correlation: Tensor = (a * b).sum(-1) / (vector_norm(a, dim=-1) * vector_norm(b, dim=-1)).clamp_min(1e-6)
    return correlation.quantile(PARTS_APART, dim=1)


def _parts(plane: Tensor) -> Tensor:
    """(P, n, n) → (P, PARTS², pixels), of mean 0 in every part."""
    width = plane.shape[-1] // PARTS
    square = plane[:, : PARTS * width, : PARTS * width]
    parts = square.unfold(1, width, width).unfold(2, width, width).flatten(3).flatten(1, 2)
    return parts - parts.mean(-1, keepdim=True)


def _displacement(maps: Tensor) -> Tensor:
    """How far a map moves a corner of the centre at most, pixels: (P,)."""
    corners = torch.tensor([[x, y, 1.0] for x in (-CENTRE, CENTRE) for y in (-CENTRE, CENTRE)])
    lengths: Tensor = vector_norm(corners @ (maps - torch.eye(2, 3)).mT, dim=-1)
    return SIDE / 2 * lengths.amax(1)


def _detail(grey: Tensor, step: _Step) -> Tensor:
    """(·, THUMBNAIL, THUMBNAIL) → the detail at the step's scale, (·, side, side)."""
    return _contrast(_both_ways(step.resize, grey), step)


def _contrast(plane: Tensor, step: _Step) -> Tensor:
    """What a blur takes away, over how much of it there is around: about ±1 where there is some."""
    fine = plane - _both_ways(step.blur, plane)
    return fine / (_both_ways(step.surroundings, fine * fine).clamp_min(0).sqrt() + NOISE)


def _centre(planes: Tensor, step: _Step) -> Tensor:
    start = (planes.shape[-1] - step.window) // 2
    return planes[..., start : start + step.window, start : start + step.window]


def _template(grey: Tensor, step: _Step) -> Tensor:
    """The centre of the detail, of mean 0 and norm 1 (or 0): (·, window, window)."""
    centre = _centre(_detail(grey, step), step)
    centre = centre - centre.mean((1, 2), keepdim=True)
    norms: Tensor = vector_norm(centre, dim=(1, 2), keepdim=True)
    return centre / norms.clamp_min(1e-6)


def _spread(searched: Tensor, step: _Step) -> Tensor:
    """Norm about the mean of every window: (·, positions, positions)."""
    sums, squares = _both_ways(step.box, searched), _both_ways(step.box, searched * searched)
    return (squares - sums * sums / step.window**2).clamp_min(1e-6).sqrt()


def _both_ways(matrix: Tensor, planes: Tensor) -> Tensor:
    return matrix @ planes @ matrix.T


@lru_cache(maxsize=len(SCALES))
def _step(scale: float) -> _Step:
    side = round(SIDE * scale)
    window = round(CENTRE * side)
    unit = torch.eye(THUMBNAIL)[None, None]
    resize = F.interpolate(unit, size=(side, THUMBNAIL), mode="bicubic", antialias=True)[0, 0]
    place = torch.arange(SIDE)[None] - torch.arange(SIDE - window + 1)[:, None]
    box = ((place >= 0) & (place < window)).float()
    return _Step(resize, _gaussian(side, BLUR), _gaussian(side, SURROUNDINGS), box, window)


def _gaussian(side: int, sigma: float) -> Tensor:
    """(side, side): a blur along one axis, its weights normalised at the edges."""
    places = torch.arange(side, dtype=torch.float32)
    weights = torch.exp(-((places[:, None] - places[None]) ** 2) / (2 * sigma**2))
    return weights / weights.sum(1, keepdim=True)
