"""The table of cases as a torch data set: (row, epoch) → Case, the same on every machine and in every worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset, Sampler

from mmskin.data.missingness import hide_fields
from mmskin.data.seeds import view_seed
from mmskin.data.table import histories
from mmskin.inputs.batch import Case, Row
from mmskin.schema import History, Schema

PLAIN_VIEW = 0  # the evaluation view: photo as it is, note in its first wording


class Reader(Protocol):
    """One modality of a case → its rows; [] if it is absent."""

    def __call__(self, case_id: str, images: Sequence[str], history: History, view: int) -> list[Row]: ...


class Hiding:
    """What training hides from the model, always on the history itself, before note and columns are made of it.

    fields: chance that a recorded field is hidden, in views after the first.
    history, image: chance, by epoch, that a case is shown without its history, or its photo. A case never loses both.
    """

    def __init__(self, *, fields: float = 0.0, history: float = 0.0, image: float = 0.0) -> None:
        self.fields, self.history, self.image = fields, history, image

    def view_of(self, history: History, rng: np.random.Generator) -> History:
        return hide_fields(history, rate=self.fields, rng=rng) if self.fields else history

    def drop(self, rows: dict[str, list[Row]], rng: np.random.Generator) -> dict[str, list[Row]]:
        """Empty the rows of the photo or of the history, if the dice say so and something stays."""
        if not (self.history or self.image) or not rows.get("image"):
            return rows
        if not any(rows[modality] for modality in rows if modality != "image"):
            return rows
        draw = rng.random()
        if draw < self.history:
            return {modality: (kept if modality == "image" else []) for modality, kept in rows.items()}
        if draw < self.history + self.image:
            return rows | {"image": []}
        return rows


class CaseDataset(Dataset[Case]):
    """Cases by (row, epoch).

    Args:
        tables: K tables of the same cases, one a view (they differ where training hides facts); epoch e reads view
            e mod K.
        schema: the declaration whose fields the model may see.
        readers: by modality.
        hiding: None at evaluation.
        seed: of everything drawn here.
    """

    def __init__(
        self,
        tables: Sequence[pd.DataFrame],
        schema: Schema,
        readers: Mapping[str, Reader],
        *,
        hiding: Hiding | None = None,
        seed: int = 0,
    ) -> None:
        self.readers = dict(readers)
        self.hiding = hiding
        self.seed = seed
        first = tables[0]
        self.case_ids: list[str] = first.case_id.tolist()
        self.images: list[tuple[str, ...]] = first.images.tolist()
        codes = {name: code for code, name in enumerate(schema.classes)}
        self.targets = [codes.get(target, -1) for target in first.target]
        self.histories = [self._view_histories(table, schema, view) for view, table in enumerate(tables)]

    def _view_histories(self, table: pd.DataFrame, schema: Schema, view: int) -> list[History]:
        told = histories(table, schema)
        if self.hiding is None or view == PLAIN_VIEW:
            return told
        return [
            self.hiding.view_of(history, np.random.default_rng(view_seed(case_id, view, self.seed)))
            for case_id, history in zip(self.case_ids, told, strict=True)
        ]

    @property
    def views(self) -> int:
        return len(self.histories)

    def views_of_cases(self) -> Iterator[tuple[str, tuple[str, ...], History, int]]:
        """(case id, images, history, view) of everything that will be read, for whoever computes it beforehand."""
        for view, told in enumerate(self.histories):
            for case_id, images, history in zip(self.case_ids, self.images, told, strict=True):
                yield case_id, images, history, view

    def __len__(self) -> int:
        return len(self.case_ids)

    def __getitem__(self, key: int | tuple[int, int]) -> Case:
        index, epoch = key if isinstance(key, tuple) else (key, 0)
        view = epoch % self.views
        case_id, history = self.case_ids[index], self.histories[view][index]
        rows = {m: read(case_id, self.images[index], history, view) for m, read in self.readers.items()}
        if self.hiding is not None:
            rng = np.random.default_rng((view_seed(case_id, epoch, self.seed), 1))
            rows = self.hiding.drop(rows, rng)
        return Case(rows, self.targets[index], case_id)


class EpochSampler(Sampler[Any]):
    """(row, epoch) pairs in an order that only seed and epoch decide, so that a resumed run sees what it would have.

    Args:
        targets: class index of each row.
        balanced: draw rows with replacement so that every class is as frequent; else a plain shuffle.
    """

    def __init__(self, targets: Sequence[int], *, balanced: bool = False, seed: int = 0) -> None:
        counts = np.bincount(targets)
        self.weights = torch.tensor(1.0 / counts[np.asarray(targets)]) if balanced else None
        self.size = len(targets)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = torch.Generator().manual_seed(view_seed("order", self.epoch, self.seed))
        if self.weights is None:
            order = torch.randperm(self.size, generator=generator)
        else:
            order = torch.multinomial(self.weights, self.size, replacement=True, generator=generator)
        return iter([(int(index), self.epoch) for index in order])
