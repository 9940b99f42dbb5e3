"""Fusions by name. To add one: a file, a line here, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmskin.config.parts import Parts, Place

if TYPE_CHECKING:
    from mmskin.fusion.fusion_contract import Fusion

FUSIONS: Parts[Fusion] = Parts(
    "fusion",
    {
        "image_only": "mmskin.fusion.single:SinglePhoto",
        "text_only": Place("mmskin.fusion.single:SingleModality", ("text",)),
        "metadata_only": Place("mmskin.fusion.single:SingleModality", ("metadata",)),
        "concat": "mmskin.fusion.concat:ConcatFusion",
        "late": "mmskin.fusion.late:LateFusion",
        "cross_attention": "mmskin.fusion.cross_attention:CrossAttentionFusion",
        "gated": "mmskin.fusion.gated:GatedFusion",
        "low_rank": "mmskin.fusion.low_rank:LowRankFusion",
        "film": "mmskin.fusion.film:FiLMFusion",
        "channel_gate": "mmskin.fusion.channel_gate:ChannelGateFusion",
        "metablock": Place("mmskin.fusion.metablock:MetaBlockFusion", ("metadata",)),
        "metablock_note": Place("mmskin.fusion.metablock:MetaBlockFusion", ("text",)),
        "metanet": Place("mmskin.fusion.metanet:MetaNetFusion", ("metadata",)),
        "metanet_note": Place("mmskin.fusion.metanet:MetaNetFusion", ("text",)),
        "bottleneck": "mmskin.fusion.bottleneck:BottleneckFusion",
        "co_attention": "mmskin.fusion.co_attention:CoAttentionFusion",
    },
    group="mmskin.fusions",
)
