"""Outputs of frozen encoders, kept on disk, so that every fusion, fold and seed reads what was computed once.

A folder holds the outputs of one encoder in one state with one preprocessing (its fingerprint names the folder). Rows
are addressed by content: the bytes of a photo and its variation, or the words of a note. Shards are written whole or
not at all, and any number of processes may add some at the same time.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmskin.errors import ConfigError, ModelError
from mmskin.features import Features
from mmskin.inputs.batch import Row
from mmskin.inputs.readers import NoteReader, PhotoReader, PhotoView, RawCase

Missing = dict[str, Callable[[], Row]]
"""By key, what gives the encoder's input when called: maybe in another process."""


GIGABYTE = 1e9
TOKENS, POOLED = "tokens", "pooled"
"""Names of the two folders of an encoder's outputs: with tokens, or pooled vectors alone."""


def open_store(folder: Path, *, tokens: bool) -> FeatureStore:
    """The outputs of one encoder; where tokens are kept, whoever wants pooled vectors alone reads them there too."""
    kept = TOKENS if tokens or (folder / TOKENS).exists() else POOLED
    return FeatureStore(folder / kept, read_tokens=tokens)


def stored_bytes(folder: Path) -> int:
    """What a folder of features takes on disk, all of its encoders together."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def check_room(folder: Path, *, limit: float) -> None:
    """Nothing is added to a folder that has grown beyond its limit, in gigabytes.

    Raises:
        ConfigError: it has; says what to do.
    """
    held = stored_bytes(folder)
    if held > limit * GIGABYTE:
        raise ConfigError(
            f"features of frozen encoders take {in_megabytes(held)} in {folder}, more than features_limit, {limit:g} "
            "GB: delete the folder, what is needed is computed again, or raise the limit"
        )


def in_megabytes(size: int) -> str:
    """Of bytes, as people read it: 992 MB."""
    return f"{round(size / 1e6):,} MB"


class FeatureStore:
    """Features of one row by key, as float16, tokens of any number a row.

    Args:
        folder: made if it is not there.
        read_tokens: give tokens where they are kept.
    """

    def __init__(self, folder: Path, *, read_tokens: bool = True) -> None:
        self.folder, self.read_tokens = folder, read_tokens
        self.keeps_tokens = folder.name == TOKENS
        folder.mkdir(parents=True, exist_ok=True)
        self.place: dict[str, tuple[int, int]] = {}
        self.shards: list[_Shard] = []
        for path in sorted(folder.glob("*.json")):
            self._open(path)

    def __contains__(self, key: str) -> bool:
        return key in self.place

    def __getitem__(self, key: str) -> Features:
        """Unbatched float32 Features: pooled (D,), tokens (T, D) or None."""
        shard, row = self.place[key]
        return self.shards[shard].row(row, tokens=self.read_tokens)

    def add(self, keys: Sequence[str], features: Features) -> None:
        """Write one shard: arrays first, the JSON that makes them known last.

        Args:
            keys: one a row.
            features: (N, …), of a frozen encoder.

        Raises:
            ModelError: a value that a float16 cannot hold.
        """
        name = secrets.token_hex(8)
        arrays = {"pooled": features.pooled}
        lengths: list[int] = []
        if features.tokens is not None and features.mask is not None:
            lengths = features.mask.sum(1).tolist()
            arrays["tokens"] = features.tokens[features.mask]
        for kind, tensor in arrays.items():
            half = tensor.detach().cpu().to(torch.float16)
            if not half.isfinite().all():
                raise ModelError(f"the encoder's {kind} outputs leave the range of float16: do not freeze it wholly")
            np.save(self.folder / f"{name}.{kind}.npy", half.numpy())
        partial = self.folder / f"{name}.partial"
        partial.write_text(json.dumps({"keys": list(keys), "lengths": lengths}))
        path = self.folder / f"{name}.json"
        os.replace(partial, path)
        self._open(path)

    def _open(self, path: Path) -> None:
        index = json.loads(path.read_text())
        shard = _Shard(path, index["lengths"])
        for row, key in enumerate(index["keys"]):
            self.place[key] = (len(self.shards), row)
        self.shards.append(shard)


class _Shard:
    """Memory-mapped arrays of one shard."""

    def __init__(self, path: Path, lengths: Sequence[int]) -> None:
        stem = path.with_suffix("")
        self.pooled = _open_array(f"{stem}.pooled.npy")
        self.tokens = _open_array(f"{stem}.tokens.npy") if lengths else None
        self.ends = np.cumsum([0, *lengths])

    def row(self, row: int, *, tokens: bool) -> Features:
        pooled = self.pooled[row].float()
        if self.tokens is None or not tokens:
            return Features(pooled)
        sequence = self.tokens[self.ends[row] : self.ends[row + 1]].float()
        return Features(pooled, sequence, torch.ones(len(sequence), dtype=torch.bool))


def _open_array(path: str) -> Tensor:
    """A memory-mapped tensor; "c" for torch wants memory that could be written to, and nothing is."""
    return torch.from_numpy(np.load(path, mmap_mode="c"))


class StoredPhotos:
    """The photo reader of a frozen encoder: looks features up, and computes beforehand what is not there yet."""

    def __init__(self, store: FeatureStore, reader: PhotoReader) -> None:
        assert reader.corruption is None, "a photo with a fault would be filed as the photo itself"
        self.store, self.reader = store, reader
        self.recipe = repr(reader.augment)

    def key(self, photo: PhotoView) -> str:
        """What a photo's features are filed under: its bytes, and its variation if it has one."""
        plain = file_digest(photo.path)
        return plain if photo.variation is None else f"{plain}:{photo.variation}:{self.recipe}"

    def missing(self, cases: Iterable[RawCase]) -> Missing:
        """What the store lacks for these cases, by key."""
        views = [view for case in cases for view in self.reader.views(case)]
        return {key: _Call(self.reader.read, view) for view in views if (key := self.key(view)) not in self.store}

    def __call__(self, case: RawCase) -> list[Row]:
        return [self.store[self.key(view)] for view in self.reader.views(case)]


class StoredNotes:
    """The note reader of a frozen encoder, in the same way."""

    def __init__(self, store: FeatureStore, reader: NoteReader) -> None:
        self.store, self.reader = store, reader
        self.notes: dict[Hashable, str] = {}

    def note(self, case: RawCase) -> str:
        """The note, worded once: every epoch asks for it again."""
        asked = (case.case_id, case.view, case.history.text, *case.history.fields.items())
        if asked not in self.notes:
            self.notes[asked] = self.reader.note(case)
        return self.notes[asked]

    def key(self, note: str) -> str:
        """What a note's features are filed under: its words."""
        return hashlib.sha256(note.encode()).hexdigest()

    def missing(self, cases: Iterable[RawCase]) -> Missing:
        """What the store lacks for these cases, by key; the short notes first."""
        notes = {self.note(case) for case in cases} - {""}
        by_key = {self.key(note): note for note in sorted(notes, key=lambda note: (len(note), note))}
        return {key: _Call(self.reader.prepare, note) for key, note in by_key.items() if key not in self.store}

    def __call__(self, case: RawCase) -> list[Row]:
        note = self.note(case)
        return [self.store[self.key(note)]] if note else []


class _Call:
    """A picklable call to be made later, in a worker."""

    def __init__(self, function: Callable[[Any], Row], argument: Any) -> None:
        self.function, self.argument = function, argument

    def __call__(self) -> Row:
        return self.function(self.argument)


def file_digest(path: str) -> str:
    """SHA-256 of a file's bytes, read once a process for each state of size and time of change."""
    state = os.stat(path)
    return _digest(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=100_000)
def _digest(path: str, size: int, changed_ns: int) -> str:
    """Of a file in the state that size and time of change tell; a process may ask for thousands again and again."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
