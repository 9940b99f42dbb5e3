"""The table of cases as a torch data set: (row, epoch) → Case, the same on every machine and in every worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset, Sampler

from mmskin.data.missingness import hide_fields
from mmskin.data.seeds import view_seed
from mmskin.data.table import histories, photos_by_kind
from mmskin.features import is_photo
from mmskin.inputs.batch import Case, Row
from mmskin.inputs.readers import PLAIN_VIEW, RawCase, Reader, read_case
from mmskin.schema import History, Schema


class Hiding:
    """What training hides from the model, always on the history itself, before note and columns are made of it.

    fields: chance that a recorded field is hidden, in views after the first.
    history, image: chance, by epoch, that a case is shown without its history, or without photos: of several kinds a
        set of them is drawn, each as likely. A case never loses everything.
    """

    def __init__(self, *, fields: float = 0.0, history: float = 0.0, image: float = 0.0) -> None:
        self.fields, self.history, self.image = fields, history, image

    def view_of(self, history: History, rng: np.random.Generator) -> History:
        return hide_fields(history, rate=self.fields, rng=rng) if self.fields else history

    def drop(self, rows: dict[str, list[Row]], rng: np.random.Generator) -> dict[str, list[Row]]:
        """Empty the rows of photos or of the history, if the dice say so and something stays."""
        if not (self.history or self.image):
            return rows
        photos = [modality for modality, there in rows.items() if there and is_photo(modality)]
        has_history = any(there for modality, there in rows.items() if not is_photo(modality))
        sets = [kinds for size in range(1, len(photos) + has_history) for kinds in combinations(photos, size)]
        if not sets:
            return rows
        draw = rng.random()
        if has_history and draw < self.history:
            return {modality: (there if is_photo(modality) else []) for modality, there in rows.items()}
        if draw >= self.history * has_history + self.image:
            return rows
        return rows | {kind: [] for kind in sets[int(rng.integers(len(sets)))]}


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
        self.photos = photos_by_kind(first, schema)
        codes = {name: code for code, name in enumerate(schema.classes)}
        self.targets = [codes.get(target, -1) for target in first.target]
        self.histories = [self._view_histories(table, schema, view) for view, table in enumerate(tables)]

    def _view_histories(self, table: pd.DataFrame, schema: Schema, view: int) -> list[History]:
        read = histories(table, schema)
        if self.hiding is None or view == PLAIN_VIEW:
            return read
        return [
            self.hiding.view_of(history, np.random.default_rng(view_seed(case_id, view, self.seed)))
            for case_id, history in zip(self.case_ids, read, strict=True)
        ]

    @property
    def views(self) -> int:
        return len(self.histories)

    def cases(self) -> Iterator[RawCase]:
        """Every case in every view: all that will be read, for whoever computes it beforehand."""
        return (self.case(index, view) for view in range(self.views) for index in range(len(self)))

    def case(self, index: int, view: int) -> RawCase:
        return RawCase(self.case_ids[index], self.photos[index], self.histories[view][index], view)

    def __len__(self) -> int:
        return len(self.case_ids)

    def __getitem__(self, key: int | tuple[int, int]) -> Case:
        index, epoch = key if isinstance(key, tuple) else (key, 0)
        case = read_case(self.readers, self.case(index, epoch % self.views), target=self.targets[index])
        if self.hiding is None:
            return case
        rng = np.random.default_rng((view_seed(case.case_id, epoch, self.seed), 1))
        return case._replace(rows=self.hiding.drop(case.rows, rng))


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
