"""The history as one vector of columns, as published methods take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.metadata_fields import FieldRows, PrepareFields
from mmskin.features import Features
from mmskin.schema import History, Schema


class MetadataOneHot(Encoder):
    """History → pooled vector only: a number's column, a 0/1 column for every choice.

    What is not recorded is 0 in all columns of its field, and a number is as recorded, without scaling: that is the
    published practice (MetaBlock, Pacheco & Krohling 2021: 81 columns on PAD-UFES-20), kept here for comparison. Zero
    then means *absent*, *no* of another choice, and, with `standardize`, *average*; `MetadataTokens` tells them apart.
    Columns of choices come from the declaration, "unknown" for each, not from the values that happen to occur, so the
    width does not depend on the training rows. Nothing is learned but the statistics. Free text is not read.

    columns: names of the columns, `field=choice` or `field`.

    Args:
        schema: the fields that may be seen.
        standardize: standard scores from the training histories (durations: of log(1 + days)) in place of raw numbers.

    Raises:
        ConfigError: a schema without fields.
    """

    gives_tokens = False
    table: Tensor

    def __init__(self, schema: Schema, *, standardize: bool = False) -> None:
        super().__init__()
        self.prepare: PrepareFields = PrepareFields(schema.fields)
        self.rows = FieldRows(schema, standardize=standardize)
        first = set(self.rows.first_row.tolist())
        shown = [row for row in range(len(self.rows.row_names)) if row not in first]
        self.columns = [self.rows.row_names[row].removesuffix("=recorded") for row in shown]
        self.out_dim = len(shown)
        self.register_buffer("table", torch.eye(len(self.rows.row_names))[:, shown], persistent=False)

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        """Encode codes (B, F) and values (B, F), see `PrepareFields`."""
        rows, factors = self.rows(inputs)
        return Features(pooled=(self.table[rows] * factors[..., None]).sum(dim=1))

    def fit(self, histories: Sequence[History]) -> None:
        """Learn means and scales from training histories; without `standardize` they are not used."""
        self.rows.fit(histories)

    def state_json(self) -> dict[str, Any]:
        return self.rows.state_json()

    def load_state_json(self, state: Mapping[str, Any]) -> None:
        self.rows.load_state_json(state)

    def extra_repr(self) -> str:
        return f"standardize={self.rows.standardize}"
