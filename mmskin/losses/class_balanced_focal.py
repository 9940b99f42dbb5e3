"""Class-balanced focal loss: rare classes count more, and so do hard cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from mmskin.errors import one_of
from mmskin.losses.focal import sigmoid_focal, softmax_focal, softmax_focal_posterior
from mmskin.losses.loss_contract import Loss, in_full_precision
from mmskin.losses.loss_options import check_range
from mmskin.losses.weighting import check_counts, effective_number, weighted_prior

Form = Literal["softmax", "sigmoid"]


class ClassBalancedFocalLoss(Loss):
    """Σ_i w_{y_i} focal_i / B with w_c ∝ (1 − β) / (1 − β^n_c), Σ_c w_c = C.

    The weight stands before the whole focal loss of a case, after its modulator. (The focal loss of the LDAM-DRW code
    weighs the cross-entropy first and takes p from that, so that the modulator sees p^w.) β = 0 is the focal loss,
    γ = 0 the weighted cross-entropy, both 0 the plain one.

    Source: Cui et al., *Class-balanced loss based on effective number of samples*, CVPR 2019, section 4.3; weights,
    reduction and bias as in their code (github.com/richardaecn/class-balanced-loss).

    beta: in [0, 1); 0.99 to 0.999 is the useful range for hundreds of cases per class, see `effective_number`.
    gamma: at least 0; the paper tries 0.5, 1 and 2.
    form: "softmax" for one question with C answers, whose probabilities sum to 1 by themselves. NOTE[DIFF]: the paper's
        class-balanced focal loss is "sigmoid", C yes-no questions, all weighted by the true class. `probabilities` are
        then C sigmoids divided by their sum, and `initial_bias` is −log(C − 1), so that each class starts at 1/C and
        the many no's don't swamp the first steps.
    label_smoothing: share of the target spread evenly over all classes, in [0, 1).
    deferred_until: share of the training, in [0, 1), during which all classes count alike, so that features are learned
        from all cases before rare classes gain weight (DRW, Cao et al. 2019, who switch at 0.8).
    """

    weights: Tensor
    class_prior: Tensor

    def __init__(
        self,
        class_counts: Sequence[int] | Tensor,
        *,
        beta: float = 0.999,
        gamma: float = 2.0,
        form: Form = "softmax",
        label_smoothing: float = 0.0,
        deferred_until: float = 0.0,
    ) -> None:
        super().__init__()
        if form not in get_args(Form):
            raise ValueError(one_of("form", form, get_args(Form)))
        counts = check_counts(class_counts)
        weights = effective_number(counts, beta=check_range("beta", beta, below=1.0))
        self.gamma = check_range("gamma", gamma)
        self.form = form
        self.label_smoothing = check_range("label_smoothing", label_smoothing, below=1.0)
        self.deferred_until = check_range("deferred_until", deferred_until, below=1.0)
        self.is_weighted = beta > 0
        self.gives_posterior = form == "softmax" and label_smoothing == 0
        self.initial_bias = -math.log(len(counts) - 1) if form == "sigmoid" else None
        self.register_buffer("weights", weights.float(), persistent=False)
        self.register_buffer("class_prior", weighted_prior(counts, weights).float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        focal = softmax_focal if self.form == "softmax" else sigmoid_focal
        per_case = focal(in_full_precision(logits), target, gamma=self.gamma, label_smoothing=self.label_smoothing)
        weights = self.weights if progress >= self.deferred_until else torch.ones_like(self.weights)
        return (weights[target] * per_case).mean()

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """(B, C) the log-softmax, or for the sigmoid form the log of C sigmoids divided by their sum."""
        logits = in_full_precision(logits)
        return (logits if self.form == "softmax" else F.logsigmoid(logits)).log_softmax(dim=-1)

    def _log_posterior(self, logits: Tensor) -> Tensor:
        return softmax_focal_posterior(logits, gamma=self.gamma)

    def prior(self) -> Tensor:
        return self.class_prior
