"""Fusions by name. To add one: a file, a line here, a test."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mmskin.fusion.bottleneck import BottleneckFusion
from mmskin.fusion.channel_gate import ChannelGateFusion
from mmskin.fusion.co_attention import CoAttentionFusion
from mmskin.fusion.concat import ConcatFusion
from mmskin.fusion.cross_attention import CrossAttentionFusion
from mmskin.fusion.film import FiLMFusion
from mmskin.fusion.fusion_contract import Fusion
from mmskin.fusion.gated import GatedFusion
from mmskin.fusion.late import LateFusion
from mmskin.fusion.low_rank import LowRankFusion
from mmskin.fusion.metablock import MetaBlockFusion
from mmskin.fusion.metanet import MetaNetFusion
from mmskin.fusion.single import SingleModality, SinglePhoto

FUSIONS: dict[str, Callable[..., Fusion]] = {
    "image_only": SinglePhoto,
    "text_only": partial(SingleModality, "text"),
    "metadata_only": partial(SingleModality, "metadata"),
    "concat": ConcatFusion,
    "late": LateFusion,
    "cross_attention": CrossAttentionFusion,
    "gated": GatedFusion,
    "low_rank": LowRankFusion,
    "film": FiLMFusion,
    "channel_gate": ChannelGateFusion,
    "metablock": partial(MetaBlockFusion, "metadata"),
    "metablock_note": partial(MetaBlockFusion, "text"),
    "metanet": partial(MetaNetFusion, "metadata"),
    "metanet_note": partial(MetaNetFusion, "text"),
    "bottleneck": BottleneckFusion,
    "co_attention": CoAttentionFusion,
}
