"""Cross-attention: patches of the photo and words of the history look at each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from mmskin.errors import one_of
from mmskin.features import Features
from mmskin.fusion.attention import AttentionBlock
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.fusion.fusion_options import check_heads, check_share, check_size, choose_sides
from mmskin.fusion.tokens import OTHER, TokenDropout, masked_mean, project, real_tokens

Directions = Literal["both", "history_to_image", "image_to_history"]


class CrossAttentionFusion(Fusion):
    """Two streams of tokens, photo and history, that attend to each other; their means and the pooled vectors, fused.

    Every token of every modality goes through LayerNorm, Linear and dropout to `hidden_dim`. Notes and fields, where
    both are used, form one history stream, told apart by a learned vector per modality; so do several kinds of photos
    form one photo stream. Each of `depth` layers lets the
    tokens of a stream attend to the real tokens of the other one (as they were before the layer) and then through a
    feed-forward block, both pre-norm with a residual. `fused` is the masked mean of each stream that attended, beside
    a projection of each modality's pooled vector: what needs no attention need not learn to attend, which matters
    on hundreds of cases. Nonlinear per token, it can learn that a sign matters only with a complaint.

    Keys are always tokens of the other modality, never a sequence of length one made from a pooled vector, over which
    the softmax would be 1 whatever the query. An absent modality is the one learned token that the model puts in its
    place; what lies under a mask is never read.

    Source: Vaswani et al. 2017; two streams with co-attention as in Lu et al., *ViLBERT*, NeurIPS 2019, section 3.1;
    pre-norm as in Xiong et al., *On layer normalization in the transformer architecture*, ICML 2020.

    modalities: photos, and text or metadata or both; all that have an encoder if not given.
    hidden_dim: width of the streams, divisible by num_heads.
    num_heads: attention heads.
    depth: layers.
    directions: "history_to_image" lets the history look at the photo, "image_to_history" the photo at the history.
    dropout: in [0, 1), after the projections, on the attention and after each block. A guess for about 740 training
        cases, like the small widths.
    token_dropout: share of tokens hidden in training, in [0, 1); at least one stays.
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
        directions: Directions = "both",
        dropout: float = 0.2,
        token_dropout: float = 0.1,
    ) -> None:
        super().__init__(num_classes)
        sides = choose_sides(dims, modalities)
        self.modalities = (*sides.photos, *sides.history)
        if directions not in get_args(Directions):
            raise ValueError(one_of("directions", directions, get_args(Directions)))
        check_heads(hidden_dim, num_heads)
        check_size("depth", depth)
        check_share("dropout", dropout)
        self.drop_tokens = TokenDropout(check_share("token_dropout", token_dropout))
        self.members = {"image": sides.photos, "history": sides.history}
        queries = {"both": ("image", "history"), "history_to_image": ("history",), "image_to_history": ("image",)}
        self.queries = queries[directions]

        self.embed = nn.ModuleDict({m: project(dims[m], hidden_dim, dropout=dropout) for m in self.modalities})
        self.summarize = nn.ModuleDict({m: project(dims[m], hidden_dim, dropout=dropout) for m in self.modalities})
        self.kind = nn.ParameterDict()
        for side in sides:
            if len(side) > 1:
                # 0.02: the usual scale of learned embeddings, small beside a projected token of scale 1.
                self.kind.update({m: nn.Parameter(torch.randn(hidden_dim) * 0.02) for m in side})
        self.layers = nn.ModuleList(
            nn.ModuleDict({q: AttentionBlock(hidden_dim, num_heads=num_heads, dropout=dropout) for q in self.queries})
            for _ in range(depth)
        )
        self.norm = nn.ModuleDict({q: nn.LayerNorm(hidden_dim) for q in self.queries})
        self.out_dim = hidden_dim * (len(self.queries) + len(self.modalities))

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        """Fuse a batch, see `Fusion.forward`.

        Raises:
            ValueError: the encoder of a modality gives no tokens.
        """
        embedded = {m: self._tokens(m, features[m]) for m in self.modalities}
        streams, masks = {}, {}
        for stream, members in self.members.items():
            streams[stream] = torch.cat([embedded[m][0] for m in members], dim=1)
            masks[stream] = self.drop_tokens(torch.cat([embedded[m][1] for m in members], dim=1))
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleDict)
            attended = {q: block(streams[q], streams[OTHER[q]], masks[OTHER[q]]) for q, block in layer.items()}
            streams = {**streams, **attended}
        means = [masked_mean(self.norm[q](streams[q]), masks[q]) for q in self.queries]
        pooled = [self.summarize[m](features[m].pooled) for m in self.modalities]
        return FusionOutput(fused=torch.cat([*means, *pooled], dim=-1))

    def _tokens(self, modality: str, features: Features) -> tuple[Tensor, Tensor]:
        """One modality's tokens as (B, T, hidden_dim), and their mask."""
        tokens, mask = real_tokens(features, modality, "cross_attention")
        embedded: Tensor = self.embed[modality](tokens)
        return embedded + self.kind[modality] if modality in self.kind else embedded, mask
