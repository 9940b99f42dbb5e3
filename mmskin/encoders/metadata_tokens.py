"""The history as typed columns, one token a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.metadata_fields import FieldRows, PrepareFields
from mmskin.errors import ConfigError, one_of
from mmskin.features import Features
from mmskin.schema import History, Schema

Pooled = Literal["perceptron", "columns"]


class MetadataTokens(Encoder):
    """History → pooled vector and one token a field, in the schema's order.

    The feature tokenizer of FT-Transformer (Gorishniy et al. 2021, sec. 3.3) with absence: a field's token is its own
    vector plus, for a recorded number, its standard score times a learned vector; for a choice, *unknown* among them,
    the choice's vector; for what is not recorded, a vector learned for that. So the token of an absent field is a real
    token, never zero, and every mask is True throughout. A choice that no training history holds keeps only the field's
    own vector: "something is recorded". Free text is not read.

    pooled: "perceptron", the mean of the tokens through a two-layer perceptron; or "columns", the columns of
    `MetadataOneHot` with numbers as standard scores, zeros up to `dim`: nothing of it is learned, so a linear head
    on it is a logistic regression on the fields, which hundreds of cases do not wear out.

    Args:
        schema: the fields that may be seen.
        dim: width; of "columns" at least their number.
        pooled: see above.
        dropout: in the perceptron, in [0, 1), while training.

    Raises:
        ConfigError: a schema without fields, dim below 1 or below the number of columns, another word for pooled.
    """

    columns: Tensor

    def __init__(self, schema: Schema, *, dim: int = 64, pooled: Pooled = "perceptron", dropout: float = 0.0) -> None:
        super().__init__()
        if pooled not in get_args(Pooled):
            raise ConfigError(one_of("pooled", pooled, get_args(Pooled)))
        if dim < 1:
            raise ConfigError(f"dim must be 1 or more, however: dim={dim}")
        self.out_dim = dim
        self.prepare: PrepareFields = PrepareFields(schema.fields)
        self.rows = FieldRows(schema)
        self.field = nn.Parameter(torch.empty(len(schema.fields), dim))
        self.value = nn.Parameter(torch.empty(len(self.rows.row_names), dim))
        bound = dim**-0.5  # as the authors' code draws them
        nn.init.uniform_(self.field, -bound, bound)
        nn.init.uniform_(self.value, -bound, bound)
        with torch.no_grad():
            # A field that training always records never learns this: near the field's own vector is the safe place.
            self.value[self.rows.first_row] *= 0.1
        self.pool: nn.Sequential | None = None
        if pooled == "columns":
            self.register_buffer("columns", _columns(self.rows, dim))
        else:
            self.pool = nn.Sequential(
                nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * dim, dim)
            )

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        """Encode codes (B, F) and values (B, F), see `PrepareFields`."""
        rows, factors = self.rows(inputs)
        tokens = self.field + self.value[rows] * factors[..., None]
        mask = torch.ones(rows.shape, dtype=torch.bool, device=rows.device)
        if self.pool is None:
            pooled = (self.columns[rows] * factors[..., None]).sum(dim=1)
        else:
            pooled = self.pool(tokens.mean(dim=1))
        return Features(pooled=pooled, tokens=tokens, mask=mask)

    def fit(self, histories: Sequence[History]) -> None:
        """Learn means and scales from training histories, and silence the vectors of choices that none of them holds.

        To be called before training: vectors that no case picks get no gradient, so they stay silent.
        """
        seen = self.rows.fit(histories).to(self.value.device)
        silent = ~seen
        silent[self.rows.first_row] = False
        with torch.no_grad():
            self.value[silent] = 0.0
            if self.pool is None:
                self.columns[silent] = 0.0  # a head's weight for a column that no case has stays where it began

    def state_json(self) -> dict[str, Any]:
        return self.rows.state_json()

    def load_state_json(self, state: Mapping[str, Any]) -> None:
        self.rows.load_state_json(state)


def _columns(rows: FieldRows, dim: int) -> Tensor:
    """(rows, dim) of 0 and 1: the column of every row, none for rows that stand for a field that is not recorded.

    Raises:
        ConfigError: there are more columns than dim.
    """
    absent = set(rows.first_row.tolist())
    shown = [row for row in range(len(rows.row_names)) if row not in absent]
    if len(shown) > dim:
        raise ConfigError(f"dim must be {len(shown)} or more, for there are so many columns, however: dim={dim}")
    return torch.eye(len(rows.row_names), dtype=torch.float32)[:, shown] @ torch.eye(len(shown), dim)
