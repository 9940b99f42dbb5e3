"""Late fusion: each modality gives its own diagnosis, and the diagnoses are combined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from mmskin.features import Features
from mmskin.fusion.experts import Experts, WeightsFrom
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.fusion.fusion_options import choose_modalities


class LateFusion(Fusion):
    """The product of one expert a modality: log p = log π + Σ_{m present} s_m w_m (log p_m − log π), see `Experts`.

    The experts are trained by their own losses, through `branch_logits`. By default the combination reads them
    detached while it trains, and the loss of the fused answer moves the weights alone: each expert stays the posterior
    of its own modality, which is what the formula is about. In eval mode gradients go through, for explanations.

    modalities: those to fuse; all that have an encoder if not given.
    hidden_dim: width of a hidden layer in each expert; None for linear experts, the same as `image_only`.
    dropout: in [0, 1), on each expert's input and hidden layer.
    joint: whether the loss of the fused answer trains the experts too.
    weights: of the experts: learned in training, fixed at 1, or found on validation rows after training, for experts
        that have learned their training rows by heart.
    """

    takes = "any"
    needs_posterior = True
    is_additive = True

    def __init__(
        self,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        modalities: Sequence[str] | None = None,
        hidden_dim: int | None = None,
        dropout: float = 0.2,
        joint: bool = False,
        weights: WeightsFrom = "training",
    ) -> None:
        super().__init__(num_classes)
        self.modalities = choose_modalities(dims, modalities)
        self.out_dim = None
        if not isinstance(joint, bool):  # in YAML 1.2 `no` is text, and would count as yes
            raise ValueError(f"joint must be true or false, however: joint={joint!r}")
        self.joint = joint
        self.experts = Experts(
            {m: dims[m] for m in self.modalities},
            num_classes,
            hidden_dim=hidden_dim,
            dropout=dropout,
            weights=weights,
        )

    @property
    def made_of(self) -> Experts:
        return self.experts

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        branch_logits = self.experts(features)
        # Only a loss is kept from the experts: where nothing is trained, explanations follow gradients through.
        hides = self.training and not self.joint
        read = {m: z.detach() if hides else z for m, z in branch_logits.items()}
        log_posteriors = {m: self.log_posterior(z) for m, z in read.items()}
        logits = self.experts.product(log_posteriors, present, log_prior=self.log_prior)
        return FusionOutput(logits=logits, branch_logits=branch_logits)
