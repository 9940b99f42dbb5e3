"""Losses by name. To add one: a file, a line here, a test."""

from __future__ import annotations

from collections.abc import Callable

from mmskin.losses.balanced_softmax import BalancedSoftmaxLoss
from mmskin.losses.class_balanced_focal import ClassBalancedFocalLoss
from mmskin.losses.cross_entropy import CrossEntropyLoss, WeightedCrossEntropyLoss
from mmskin.losses.focal import FocalLoss
from mmskin.losses.ldam import LDAMLoss
from mmskin.losses.logit_adjusted import LogitAdjustedLoss, PostHocLogitAdjustedLoss
from mmskin.losses.loss_contract import Loss

LOSSES: dict[str, Callable[..., Loss]] = {
    "cross_entropy": CrossEntropyLoss,
    "weighted_cross_entropy": WeightedCrossEntropyLoss,
    "focal": FocalLoss,
    "class_balanced_focal": ClassBalancedFocalLoss,
    "ldam": LDAMLoss,
    "balanced_softmax": BalancedSoftmaxLoss,
    "logit_adjusted": LogitAdjustedLoss,
    "logit_adjusted_post_hoc": PostHocLogitAdjustedLoss,
}
