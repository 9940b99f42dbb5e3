"""Co-attention as in ViLBERT: two streams look at each other, then at themselves; their summaries are multiplied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from mmskin.features import Features
from mmskin.fusion.attention import AttentionBlock
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.fusion.fusion_options import check_heads, check_share, check_size, choose_sides
from mmskin.fusion.tokens import OTHER, TokenDropout, project, real_tokens


class CoAttentionFusion(Fusion):
    """Each stream is a summary token, then the tokens; `fused` is summary_image ⊙ summary_history after the layers.

    A layer is a co-attention block, in which the queries of a stream meet the keys of the other one (as they were
    before the layer), and a self-attention block, both with their own weights for photo and history. The summary of
    the photo starts as its pooled vector, that of a stream of several modalities as the mean over them. All tokens of a
    modality share one projection (LayerNorm, Linear) and a learned vector that says which modality they are; notes and
    fields, where both are used, form one history stream, and several kinds of photos one photo stream. The product
    makes the answer depend on both by construction.

    `cross_attention` has no self-attention and no summary tokens; its streams are averaged and laid side by side.

    An absent modality is the learned vector and the one learned token that the model puts in its place; what lies under
    a mask is never read.

    Source: Lu et al., *ViLBERT: Pretraining task-agnostic visiolinguistic representations*, NeurIPS 2019 (layer of
    figure 2b, mean-pooled features as the photo's summary, product of the summaries). NOTE[DIFF]: pre-norm; no position
    embeddings, since the tokens come from encoders that know where they are; no pretraining.

    modalities: photos, and text or metadata or both; all that have an encoder if not given.
    hidden_dim: width of the streams, divisible by num_heads.
    num_heads: attention heads.
    depth: layers.
    dropout: in [0, 1), after the projections, on the attention and after each block. As in `cross_attention`.
    token_dropout: share of tokens hidden in training, in [0, 1); at least one of a modality stays, and the summary.
    """

    takes = "photos_and_history"
    reads_tokens = "all"

    def __init__(
        self,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        modalities: Sequence[str] | None = None,
        hidden_dim: int = 128,
        num_heads: int = 4,
        depth: int = 1,
        dropout: float = 0.2,
        token_dropout: float = 0.1,
    ) -> None:
        super().__init__(num_classes)
        sides = choose_sides(dims, modalities)
        self.modalities = (*sides.photos, *sides.history)
        check_heads(hidden_dim, num_heads)
        check_size("depth", depth)
        check_share("dropout", dropout)
        self.drop_tokens = TokenDropout(check_share("token_dropout", token_dropout))
        self.members = {"image": sides.photos, "history": sides.history}
        self.embed = nn.ModuleDict({m: project(dims[m], hidden_dim, dropout=dropout) for m in self.modalities})
        # 0.02: the usual scale of learned embeddings, small beside a projected token of scale 1.
        self.kind = nn.ParameterDict({m: nn.Parameter(torch.randn(hidden_dim) * 0.02) for m in self.modalities})
        new_block = partial(AttentionBlock, hidden_dim, num_heads=num_heads, dropout=dropout)
        self.co_attention = nn.ModuleList(nn.ModuleDict({s: new_block() for s in OTHER}) for _ in range(depth))
        self.self_attention = nn.ModuleList(nn.ModuleDict({s: new_block() for s in OTHER}) for _ in range(depth))
        self.norm = nn.ModuleDict({s: nn.LayerNorm(hidden_dim) for s in OTHER})
        self.out_dim = hidden_dim

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        """Fuse a batch, see `Fusion.forward`.

        Raises:
            ValueError: the encoder of a modality gives no tokens.
        """
        streams, masks = {}, {}
        for s in OTHER:
            streams[s], masks[s] = self._stream(s, features)
        for co_attention, self_attention in zip(self.co_attention, self.self_attention, strict=True):
            assert isinstance(co_attention, nn.ModuleDict)
            assert isinstance(self_attention, nn.ModuleDict)
            met = {s: block(streams[s], streams[OTHER[s]], masks[OTHER[s]]) for s, block in co_attention.items()}
            streams = {s: block(met[s], met[s], masks[s]) for s, block in self_attention.items()}
        image, history = (self.norm[s](streams[s][:, 0]) for s in OTHER)
        return FusionOutput(fused=image * history)

    def _stream(self, stream: str, features: Mapping[str, Features]) -> tuple[Tensor, Tensor]:
        """(B, 1 + T, hidden_dim), the summary first, and its mask."""
        summaries, tokens, masks = [], [], []
        for m in self.members[stream]:
            own, mask = real_tokens(features[m], m, "co_attention")
            summaries.append(self.embed[m](features[m].pooled) + self.kind[m])
            tokens.append(self.embed[m](own) + self.kind[m])
            masks.append(self.drop_tokens(mask))
        summary = torch.stack(summaries).mean(dim=0)[:, None]
        always = torch.ones(summary.shape[:2], dtype=torch.bool, device=summary.device)
        return torch.cat([summary, *tokens], dim=1), torch.cat([always, *masks], dim=1)
