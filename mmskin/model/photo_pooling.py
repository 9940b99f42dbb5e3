"""The photos of a case as one vector: their mean, or a mean that learns which photo to look at."""

from __future__ import annotations

import torch
from torch import Tensor, nn

PHOTO_POOLINGS = ("mean", "attention")


def mean_by_case(pooled: Tensor, case_index: Tensor, size: int) -> Tensor:
    """(N, D) vectors → (size, D), the mean of every case's; zeros for a case without any.

    Args:
        pooled: one row a photo.
        case_index: (N,) int64 in [0, size), the case of each row.
        size: number of cases.
    """
    counts = torch.bincount(case_index, minlength=size)
    return _sum_by_case(pooled, case_index, size) / counts.clamp_min(1)[:, None]


class AttentionPooling(nn.Module):
    """Gated attention over the photos of a case, for cases of which one photo may say more than another.

    z = Σ_k a_k h_k, with a_k ∝ exp(wᵀ (tanh(V h_k) ⊙ sigm(U h_k))) over the photos k of one case. The weights of a case
    sum to 1, so one photo is itself, exactly; neither the order of its photos nor the other cases of a batch matter.

    Source: Ilse, Tomczak & Welling, *Attention-based Deep Multiple Instance Learning*, ICML 2018, equations 7 and 9;
    without biases, as written there (the authors' code has some).

    dim: D, the width of a photo's vector.
    hidden_dim: rows of V and U; 128 is the paper's.
    """

    def __init__(self, dim: int, *, hidden_dim: int = 128) -> None:
        super().__init__()
        self.content = nn.Linear(dim, hidden_dim, bias=False)  # V
        self.gate = nn.Linear(dim, hidden_dim, bias=False)  # U
        self.score = nn.Linear(hidden_dim, 1, bias=False)  # w

    def forward(self, pooled: Tensor, case_index: Tensor, size: int) -> Tensor:
        """Pool as `mean_by_case` does, with learned weights."""
        weights = self.weights(pooled, case_index, size).to(pooled.dtype)
        return _sum_by_case(weights[:, None] * pooled, case_index, size)

    def weights(self, pooled: Tensor, case_index: Tensor, size: int) -> Tensor:
        """(N,) the share of every photo in its case, float32 at least."""
        gated = self.content(pooled).tanh() * self.gate(pooled).sigmoid()
        scores = self.score(gated)[:, 0]
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        with torch.no_grad():  # taken off for the range of exp alone: it cancels
            highest = scores.new_zeros(size).scatter_reduce(0, case_index, scores, "amax", include_self=False)
        raised = (scores - highest[case_index]).exp()
        shares: Tensor = raised / _sum_by_case(raised, case_index, size)[case_index]
        return shares


def _sum_by_case(rows: Tensor, case_index: Tensor, size: int) -> Tensor:
    return rows.new_zeros(size, *rows.shape[1:]).index_add(0, case_index, rows)
