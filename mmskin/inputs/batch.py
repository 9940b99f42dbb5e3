"""Cases → Batch: rows of every modality side by side, with the case each row belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mmskin.features import Features

Row = Mapping[str, Tensor] | Features
Rows = dict[str, Tensor] | Features


class Case(NamedTuple):
    """One case, ready for a batch.

    rows: by modality, what is there of it: a row for each photo, one for the note, one for the columns; empty if the
        modality is absent. A row is what the encoder's `prepare` gave, or stored Features of one row (no leading B).
    target: class index, or -1 where it is not known.
    """

    rows: dict[str, list[Row]]
    target: int
    case_id: str


class Batch(NamedTuple):
    """Several cases.

    inputs: by modality, the rows that are there, stacked: (N, …). A modality absent from all cases is not a key.
    case_index: by modality, (N,) int64, the case of each row, ascending.
    present: by modality, (B,) bool.
    target: (B,) int64.
    """

    inputs: dict[str, Rows]
    case_index: dict[str, Tensor]
    present: dict[str, Tensor]
    target: Tensor
    case_id: list[str]


def collate(cases: Sequence[Case]) -> Batch:
    """Stack cases; tensors of different lengths are padded with 0 on their first axis."""
    inputs: dict[str, Rows] = {}
    case_index: dict[str, Tensor] = {}
    present: dict[str, Tensor] = {}
    for modality in cases[0].rows:
        counts = torch.tensor([len(case.rows[modality]) for case in cases])
        present[modality] = counts > 0
        case_index[modality] = torch.repeat_interleave(torch.arange(len(cases)), counts)
        rows = [row for case in cases for row in case.rows[modality]]
        if rows:
            inputs[modality] = stack_rows(rows)
    target = torch.tensor([case.target for case in cases])
    return Batch(inputs, case_index, present, target, [case.case_id for case in cases])


def stack_rows(rows: Sequence[Row]) -> Rows:
    """Rows of one modality → (N, …), padded with 0 on their first axis; all of them inputs, or all of them Features."""
    stored = [row for row in rows if isinstance(row, Features)]
    if not stored:
        inputs = [row for row in rows if not isinstance(row, Features)]
        return {key: pad_sequence([row[key] for row in inputs], batch_first=True) for key in inputs[0]}
    pooled = torch.stack([row.pooled for row in stored])
    tokens = [row.tokens for row in stored if row.tokens is not None]
    if not tokens:
        return Features(pooled)
    mask = pad_sequence([torch.ones(len(t), dtype=torch.bool) for t in tokens], batch_first=True)
    return Features(pooled, pad_sequence(tokens, batch_first=True), mask)
