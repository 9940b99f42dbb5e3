"""A fusion as a correction to experts of one modality each, through a gate that starts closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from mmskin.errors import one_of
from mmskin.features import Features
from mmskin.fusion.experts import Experts, tells_several_things
from mmskin.fusion.fusion_contract import Fusion

GateOf = Literal["all", "class"]
"""One gate for all classes, or one a class."""


class GatedCorrection(nn.Module):
    """logits = log of the product of experts + gate · logits of the fusion, see `Experts` for the product.

    The gate starts at exactly 0, so that the answer starts as the product of the experts and leaves it for gain alone.
    What the fusion adds is an interaction: it counts only where two modalities are present that tell different things
    (two kinds of photos, or a photo and a form of the history). With the history gone the answer is what the experts of
    the photos say, as if there had never been a fusion.

    A step moves the gate by about the learning rate, so that a very short training opens it little. From 740 cases
    whose class is the exclusive or of a noisy photo and a noisy note, `gated` with experts reached an accuracy of .90
    in ten epochs at 3e-3 and .83 in five (.89 without experts both times), `low_rank` .90 both times. A gate of three
    times the rate made up for most of that (.87), and had a worse log-loss where the experts know all there is (.72 for
    .67), so the gate has the rate of the rest.

    Each expert is trained by a loss of its own, through its logits. While it trains, the product reads them detached:
    the loss of the answer trains the weights of the experts, the gate, the fusion, and through it the encoders. In eval
    mode gradients go through, for explanations.

    Source: the gate is that of Bachlechner et al., *ReZero is all you need*, UAI 2021, equation 1; experts with losses
    of their own beside a joint one as in Hazarika et al., *MISA*, ACM MM 2020, and Wang et al., *What makes training
    multi-modal classification networks hard?*, CVPR 2020.

    experts: of the fusion's modalities.
    gate: "all" for one gate, "class" for one a class.
    """

    def __init__(self, experts: Experts, num_classes: int, *, gate: GateOf = "all") -> None:
        super().__init__()
        if gate not in get_args(GateOf):
            raise ValueError(one_of("gate", gate, get_args(GateOf)))
        self.experts = experts
        self.gate = nn.Parameter(torch.zeros(num_classes if gate == "class" else 1))

    def forward(
        self, joint_logits: Tensor, features: Mapping[str, Features], present: Mapping[str, Tensor], *, of: Fusion
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The two terms of the logits, (B, C) each, product and correction; and by modality the logits of experts.

        Args:
            joint_logits: (B, C), of the fusion.
            features: by modality, absent ones filled.
            present: (B,) bool by modality.
            of: the fusion, which knows the class prior and what logits stand for.
        """
        expert_logits = self.experts(features)
        read = {m: of.log_posterior(z.detach() if self.training else z) for m, z in expert_logits.items()}
        log_p = self.experts.product(read, present, log_prior=of.log_prior)
        several = tells_several_things(present, self.experts.modalities)
        return log_p, torch.where(several[:, None], self.gate * joint_logits, 0.0), expert_logits
