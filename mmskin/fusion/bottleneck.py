"""Attention bottleneck: modalities exchange what they know through a few shared tokens, and in no other way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from mmskin.features import Features
from mmskin.fusion.attention import AttentionBlock
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.fusion.fusion_options import check_heads, check_share, check_size, choose_modalities
from mmskin.fusion.tokens import TokenDropout, masked_mean, project, real_tokens


class BottleneckFusion(Fusion):
    """One stream of tokens a modality; in each layer a stream attends to itself and to the bottleneck tokens.

    A layer gives [tokens_m, bottleneck_m] = Block_m([tokens_m, bottleneck]) for each modality, and the bottleneck of
    the next layer is the mean of all bottleneck_m. The first layer gathers, the second hands out: with fewer than two,
    nothing would pass from the photo to the history. `fused` is the masked mean of each stream beside a projection of
    each modality's pooled vector, as in `cross_attention`.

    An absent modality is a stream of the one learned token that the model puts in its place; it writes into the
    bottleneck like any other. What lies under a mask is never read.

    Source: Nagrani et al., *Attention bottlenecks for multimodal fusion*, NeurIPS 2021; checked against the authors'
    code (google-research/scenic, projects/mbt). NOTE[DIFF]: means of the streams and pooled vectors, where the paper
    reads one class token a modality; no position embeddings, since the tokens come from encoders that know where they
    are.

    modalities: those to fuse, two or more, all with tokens; all that have an encoder if not given.
    hidden_dim: width of the streams, divisible by num_heads.
    num_heads: attention heads.
    depth: layers, two or more.
    num_bottlenecks: shared tokens; the paper's 4.
    dropout: in [0, 1), after the projections, on the attention and after each block. As in `cross_attention`.
    token_dropout: share of tokens hidden in training, in [0, 1); at least one of a modality stays.
    """

    takes = "several"
    reads_tokens = "all"

    def __init__(
        self,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        modalities: Sequence[str] | None = None,
        hidden_dim: int = 128,
        num_heads: int = 4,
        depth: int = 2,
        num_bottlenecks: int = 4,
        dropout: float = 0.2,
        token_dropout: float = 0.1,
    ) -> None:
        super().__init__(num_classes)
        self.modalities = choose_modalities(dims, modalities, at_least=2)
        check_heads(hidden_dim, num_heads)
        check_size("num_bottlenecks", num_bottlenecks)
        check_share("dropout", dropout)
        if check_size("depth", depth) < 2:
            raise ValueError(f"depth must be at least 2, for the first layer only gathers, however: depth={depth}")
        self.drop_tokens = TokenDropout(check_share("token_dropout", token_dropout))
        self.embed = nn.ModuleDict({m: project(dims[m], hidden_dim, dropout=dropout) for m in self.modalities})
        self.summarize = nn.ModuleDict({m: project(dims[m], hidden_dim, dropout=dropout) for m in self.modalities})
        # 0.02 as in the paper; the blocks' norms bring it to the scale of a token.
        self.bottleneck = nn.Parameter(torch.randn(num_bottlenecks, hidden_dim) * 0.02)
        new_block = partial(AttentionBlock, hidden_dim, num_heads=num_heads, dropout=dropout)
        self.layers = nn.ModuleList(nn.ModuleDict({m: new_block() for m in self.modalities}) for _ in range(depth))
        self.norm = nn.ModuleDict({m: nn.LayerNorm(hidden_dim) for m in self.modalities})
        self.out_dim = 2 * hidden_dim * len(self.modalities)

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        """Fuse a batch, see `Fusion.forward`.

        Raises:
            ValueError: the encoder of a modality gives no tokens.
        """
        streams, masks = {}, {}
        for m in self.modalities:
            tokens, mask = real_tokens(features[m], m, "bottleneck")
            streams[m], masks[m] = self.embed[m](tokens), self.drop_tokens(mask)
        shared = self.bottleneck.expand(len(features[self.modalities[0]].pooled), -1, -1)
        always = torch.ones(shared.shape[:2], dtype=torch.bool, device=shared.device)
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleDict)
            written = []
            for m, block in layer.items():
                both = torch.cat([streams[m], shared], dim=1)
                both = block(both, both, torch.cat([masks[m], always], dim=1))
                streams[m], own = both.split([streams[m].shape[1], shared.shape[1]], dim=1)
                written.append(own)
            shared = torch.stack(written).mean(dim=0)
        means = [masked_mean(self.norm[m](streams[m]), masks[m]) for m in self.modalities]
        pooled = [self.summarize[m](features[m].pooled) for m in self.modalities]
        return FusionOutput(fused=torch.cat([*means, *pooled], dim=-1))
