"""Frozen encoders run once over all that will be read of them, their outputs kept in a feature store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmskin.encoders.encoder_contract import Encoder
from mmskin.features import Features
from mmskin.inputs.batch import Row, stack_rows
from mmskin.inputs.dataset import CaseDataset
from mmskin.inputs.feature_store import FeatureStore, Missing, StoredNotes, StoredPhotos
from mmskin.inputs.readers import Reader

Progress = Callable[[int, int], None]


def fingerprint(encoder: Encoder, *, extra: str = "") -> str:
    """Name of an encoder's outputs: 24 hex digits of its class, options, tensors and preprocessing."""
    digest = hashlib.sha256(f"{type(encoder).__qualname__} {encoder.prepare!r} {encoder!r} {extra}".encode())
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]


def keep_features(reader: Reader, encoder: Encoder, datasets: Iterable[CaseDataset]) -> None:
    """Run a frozen encoder over all that its reader will look up; nothing to do for a reader that reads from disk."""
    if isinstance(reader, StoredPhotos | StoredNotes):
        missing: Missing = {}
        for dataset in datasets:
            missing |= reader.missing(dataset.cases())
        extract(reader.store, encoder, missing, tokens=reader.store.keeps_tokens)


class _Calls(Dataset[Row]):
    def __init__(self, calls: Sequence[Callable[[], Row]]) -> None:
        self.calls = calls

    def __len__(self) -> int:
        return len(self.calls)

    def __getitem__(self, index: int) -> Row:
        return self.calls[index]()


@torch.inference_mode()
def extract(
    store: FeatureStore,
    encoder: Encoder,
    missing: Missing,
    *,
    tokens: bool,
    batch_size: int = 64,
    shard_rows: int = 1024,
    progress: Progress | None = None,
) -> None:
    """Run a frozen encoder over what is missing in its store.

    Args:
        store: takes the outputs.
        encoder: put in eval mode.
        missing: from the reader's `missing`.
        tokens: keep tokens too, not pooled vectors alone.
        batch_size: rows at a time.
        shard_rows: rows a shard.
        progress: called with (rows done, rows in all).
    """
    encoder.eval()
    keys = list(missing)
    loader = DataLoader(_Calls([missing[key] for key in keys]), batch_size=batch_size, collate_fn=stack_rows)
    held: list[Features] = []
    start = done = 0
    for rows in loader:
        held.append(_kept(encoder(rows), tokens=tokens))
        done += len(held[-1].pooled)
        if done - start >= shard_rows or done == len(keys):
            store.add(keys[start:done], _concatenate(held))
            held, start = [], done
        if progress is not None:
            progress(done, len(keys))


def _kept(features: Features, *, tokens: bool) -> Features:
    pooled = features.pooled.to(torch.float16)
    if not tokens or features.tokens is None:
        return Features(pooled)
    return Features(pooled, features.tokens.to(torch.float16), features.mask)


def _concatenate(parts: Sequence[Features]) -> Features:
    pooled = torch.cat([part.pooled for part in parts])
    if parts[0].tokens is None:
        return Features(pooled)
    longest = max(part.tokens.shape[1] for part in parts if part.tokens is not None)
    tokens = torch.cat([_pad(part.tokens, longest) for part in parts if part.tokens is not None])
    return Features(pooled, tokens, torch.cat([_pad(part.mask, longest) for part in parts if part.mask is not None]))


def _pad(tensor: Tensor, length: int) -> Tensor:
    """Pad (B, T, …) to (B, length, …) with zeros."""
    grown = tensor.new_zeros(tensor.shape[0], length, *tensor.shape[2:])
    grown[:, : tensor.shape[1]] = tensor
    return grown
