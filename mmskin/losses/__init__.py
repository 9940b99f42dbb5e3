"""Losses by name. To add one: a file, a line here, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmskin.config.parts import Parts

if TYPE_CHECKING:
    from mmskin.losses.loss_contract import Loss

LOSSES: Parts[Loss] = Parts(
    "loss",
    {
        "cross_entropy": "mmskin.losses.cross_entropy:CrossEntropyLoss",
        "weighted_cross_entropy": "mmskin.losses.cross_entropy:WeightedCrossEntropyLoss",
        "focal": "mmskin.losses.focal:FocalLoss",
        "class_balanced_focal": "mmskin.losses.class_balanced_focal:ClassBalancedFocalLoss",
        "ldam": "mmskin.losses.ldam:LDAMLoss",
        "balanced_softmax": "mmskin.losses.balanced_softmax:BalancedSoftmaxLoss",
        "logit_adjusted": "mmskin.losses.logit_adjusted:LogitAdjustedLoss",
        "logit_adjusted_post_hoc": "mmskin.losses.logit_adjusted:PostHocLogitAdjustedLoss",
    },
    group="mmskin.losses",
)
