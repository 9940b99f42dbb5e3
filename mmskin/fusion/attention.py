"""The transformer block that the token fusions are made of."""

from __future__ import annotations

from torch import Tensor, nn


class AttentionBlock(nn.Module):
    """Queries attend to keys, then a feed-forward of four times the width; both pre-norm, with a residual.

    Self-attention where the keys are the queries, cross-attention where they are another modality's tokens.
    Source: Vaswani et al. 2017; pre-norm as in Xiong et al., *On layer normalization in the transformer architecture*,
    ICML 2020.
    """

    def __init__(self, dim: int, *, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_query = nn.LayerNorm(dim)
        self.norm_key = nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, num_heads, dropout=dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, 4 * dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(4 * dim, dim),
            nn.Dropout(dropout),
        )

    def forward(self, query: Tensor, key: Tensor, key_mask: Tensor) -> Tensor:
        """(B, Tq, D) queries, (B, Tk, D) keys with their (B, Tk) mask → (B, Tq, D)."""
        keys = self.norm_key(key)
        answer, _ = self.attention(self.norm_query(query), keys, keys, key_padding_mask=~key_mask, need_weights=False)
        query = query + self.dropout(answer)
        after: Tensor = query + self.feed_forward(query)
        return after
