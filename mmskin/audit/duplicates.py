"""Photos that stand twice: the same bytes, or the same picture re-encoded, resized, cropped or mirrored.

A copy in another part of a split is a leak, and a copy under another diagnosis is a fault of the labels. Each photo is
compared with the few that look most like it (by perceptual hash and by embedding), and a pair is told only if its fine
detail agrees once laid over each other (`mmskin.audit.alignment`): two lesions on like skin are no copies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.audit.alignment import align
from mmskin.audit.traces import Traces, trace_photos
from mmskin.data.table import Cases

NEIGHBOURS = 5
"""Photos that each is compared with, by hash and by embedding. Of 250 planted copies of PAD-UFES-20 the source is the
nearest by embedding for every one, of the synthetic clinic within the nearest three for all but 1 of 200 that were
changed in one way; mirrored ones too, so that only hashes are taken of the mirror image. By hash alone 41 of 50 crops
are within five."""

SIMILAR = 0.4
"""Similarity from which a pair is told. It lies between copies (.59 or more) and all other neighbours (.22 or less) of
the photos on which it was chosen; see `mmskin.audit.alignment`. On PAD-UFES-20 copies have .9 or more; what lies
between (six pairs, .45 to .78) are shots of one lesion a moment apart, in other light."""

_HOW = {  # mirrored, moved
    (False, False): "re-encoded or resized",
    (False, True): "cropped",
    (True, False): "mirrored",
    (True, True): "mirrored and cropped",
}


@dataclass(frozen=True)
class Pair:
    """Two photos that are copies of each other.

    first, second: case ids, in the order of the table; the same one if the copies lie in one case.
    photos: their paths.
    kind: "exact" for the same bytes, else "near".
    how: "same bytes", "re-encoded or resized", "cropped" (shifted and scaled ones too), "mirrored", "mirrored and
        cropped".
    similarity: 1 if exact, else see `Alignment`.
    same_lesion, same_patient: two photos of one lesion may rightly look alike.
    same_label: None where a label is not known.
    """

    first: str
    second: str
    photos: tuple[str, str]
    kind: Literal["exact", "near"]
    how: str
    similarity: float
    same_lesion: bool
    same_patient: bool
    same_label: bool | None


def photos_of(cases: Cases) -> list[str]:
    """Paths of all photos of a table, each once."""
    return list(dict.fromkeys(path for images in cases.table.images for path in images))


def find_copies(cases: Cases, *, traces: Traces | None = None) -> list[Pair]:
    """Copies among the photos of a table, exact ones first, then by falling similarity.

    An exact copy is paired with the first of its set and near copies are told of the first alone: a thousand times the
    same placeholder makes 999 pairs, not half a million.

    Args:
        cases: of which `case_id`, `patient_id`, `lesion_id`, `images` and `target` are read.
        traces: of `photos_of(cases)`; read from disk if None. They say which photos could not be read.
    """
    if traces is None:
        traces = trace_photos(photos_of(cases))
    holders: dict[str, list[int]] = defaultdict(list)
    for row, images in enumerate(cases.table.images):
        for path in dict.fromkeys(images):
            holders[path].append(row)
    places = [sorted((row, path) for path in same for row in holders[path]) for same in traces.copies]
    found = [*_exact(places), *_near(places, traces)]
    found.sort(key=lambda pair: (pair.kind, -pair.similarity, pair.first, pair.second))
    return [_pair(cases.table, pair) for pair in found]


_Place = tuple[int, str]
"""Row of the table and path."""


class _Found(NamedTuple):
    first: _Place
    second: _Place
    kind: Literal["exact", "near"]
    how: str
    similarity: float


def _exact(places: Sequence[Sequence[_Place]]) -> Iterator[_Found]:
    for held in places:
        yield from (_Found(held[0], other, "exact", "same bytes", 1.0) for other in held[1:])


def _near(places: Sequence[Sequence[_Place]], traces: Traces) -> Iterator[_Found]:
    candidates = _candidates(traces)
    alignment = align(traces.thumbnails, candidates)
    for (i, j), similarity, mirrored, moved in zip(candidates, *alignment, strict=True):
        if similarity >= SIMILAR and places[i] and places[j]:
            first, second = sorted((places[i][0], places[j][0]))
            yield _Found(first, second, "near", _HOW[bool(mirrored), bool(moved)], float(similarity))


def _candidates(traces: Traces) -> NDArray[np.int64]:
    """(P, 2), i < j: every photo with those most like it."""
    signs = 2 * traces.hashes.astype(np.float32) - 1  # a product of signs counts the bits that agree
    plain, mirrored = np.ascontiguousarray(signs.swapaxes(0, 1))
    pairs = [_nearest(plain, plain, mirrored)]
    if traces.embeddings is not None:
        norms = np.linalg.norm(traces.embeddings, axis=1, keepdims=True)
        directions = traces.embeddings / np.maximum(norms, 1e-12)
        pairs.append(_nearest(directions, directions))
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def _nearest(
    vectors: NDArray[np.float32], *others: NDArray[np.float32], rows_at_a_time: int = 1024
) -> NDArray[np.int64]:
    """(P, 2): every row with the `NEIGHBOURS` others whose product is largest, in any of their views."""
    count = min(NEIGHBOURS, len(vectors) - 1)
    pairs = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(vectors) if count > 0 else 0, rows_at_a_time):
        block = vectors[start : start + rows_at_a_time]
        rows = np.arange(start, start + len(block))
        products = np.maximum.reduce([block @ other.T for other in others])
        products[rows - start, rows] = -np.inf
        nearest = np.argpartition(-products, count - 1, axis=1)[:, :count]
        pairs.append(np.stack([np.repeat(rows, count), nearest.flatten()], axis=1))
    return np.concatenate(pairs)


def _pair(table: pd.DataFrame, found: _Found) -> Pair:
    first, second = (table.iloc[row] for row, _ in found[:2])
    known = pd.notna(first.target) and pd.notna(second.target)
    return Pair(
        first=first.case_id,
        second=second.case_id,
        photos=(found.first[1], found.second[1]),
        kind=found.kind,
        how=found.how,
        similarity=found.similarity,
        same_lesion=first.lesion_id == second.lesion_id,
        same_patient=first.patient_id == second.patient_id,
        same_label=first.target == second.target if known else None,
    )
