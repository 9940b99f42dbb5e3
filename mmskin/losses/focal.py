"""Focal loss: cases that are already right count less."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmskin.losses.loss_contract import Loss, in_full_precision
from mmskin.losses.loss_options import check_range
from mmskin.losses.weighting import check_counts, weighted_prior


def softmax_focal(logits: Tensor, target: Tensor, *, gamma: float, label_smoothing: float = 0.0) -> Tensor:
    """(B,) −Σ_k q_k (1 − p_k)^γ log p_k, p the softmax, q the (smoothed) target. γ = 0 is cross-entropy.

    1 − p_k is the sum of the other probabilities, taken in log space: subtracting from 1 would give 0 for a sure case,
    whose power has no finite gradient below γ = 1.

    Args:
        logits: (B, C), float32 or better.
        target: (B,), int64.
        gamma: at least 0.
        label_smoothing: in [0, 1).
    """
    log_p = logits.log_softmax(dim=-1)
    q = _smooth(target, like=log_p, share=label_smoothing)
    return -(q * (gamma * _log_of_rest(log_p)).exp() * log_p).sum(dim=-1)


def softmax_focal_posterior(logits: Tensor, *, gamma: float) -> Tensor:
    """(B, C) log of the class posterior of which the softmax v of these logits has the least expected focal loss.

    Ψ_k = h(v_k) / Σ_l h(v_l), h(v) = v / ((1 − v)^γ − γ (1 − v)^(γ−1) v log v). Focal loss wants v flatter than the
    posterior: Ψ takes that back, keeps the order of the classes, and is the identity at γ = 0.

    Here log h(v) = log v − γ log(1 − v) − log(1 + γ u) with u = −v log v / (1 − v), which runs from 0 to 1: all terms
    stay finite and exact where v rounds to 0 or 1.

    Source: Charoenphakdee et al., *On focal loss for class-posterior probability estimation: a theoretical
    perspective*, CVPR 2021.

    Args:
        logits: (B, C), float32 or better.
        gamma: at least 0.
    """
    log_p = logits.log_softmax(dim=-1)
    log_rest = _log_of_rest(log_p)
    u = _relative_surprise(log_p, log_rest)
    return (log_p - gamma * log_rest - torch.log1p(gamma * u)).log_softmax(dim=-1)


def _log_of_rest(log_p: Tensor) -> Tensor:
    """(B, C) log(1 − p), as the sum of the other classes' probabilities."""
    num_classes = log_p.shape[-1]
    own = torch.eye(num_classes, dtype=torch.bool, device=log_p.device)
    return log_p[:, None, :].expand(-1, num_classes, -1).masked_fill(own, -torch.inf).logsumexp(dim=-1)


def _relative_surprise(log_p: Tensor, log_rest: Tensor) -> Tensor:
    """(B, C) −p log p / (1 − p) in [0, 1]. Above p = 1/2 it is computed from 1 − p, below from p.

    Each branch is given 1/2 where the other is taken, so that neither has an infinite gradient.
    """
    half = math.log(0.5)
    is_likely = log_p > half
    rest = torch.where(is_likely, log_rest, half).exp().clamp_min(torch.finfo(log_p.dtype).eps)
    log_of_unlikely = torch.where(is_likely, half, log_p)
    above = -(1 - rest) * torch.log1p(-rest) / rest
    below = log_of_unlikely * log_of_unlikely.exp() / torch.expm1(log_of_unlikely)
    return torch.where(is_likely, above, below)


def sigmoid_focal(logits: Tensor, target: Tensor, *, gamma: float, label_smoothing: float = 0.0) -> Tensor:
    """(B,) focal loss of C yes-no questions, summed over the classes. γ = 0 is the sum of C binary cross-entropies.

    The modulator (1 − p_t)^γ is exp(γ · logsigmoid(−z_t)), z_t the logit of the right answer. Published code writes it
    exp(−γ y z − γ log1p(exp(−z))), which is 0 instead of 1 for a positive below −88.7, where exp(−z) overflows: the
    cases that are most wrong then teach nothing.

    Source: Lin et al., *Focal loss for dense object detection*, ICCV 2017, eq. 4; over C classes as in Cui
    et al. 2019, section 4.3.

    Args:
        logits: (B, C), float32 or better.
        target: (B,), int64.
        gamma: at least 0.
        label_smoothing: in [0, 1).
    """
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    q = _smooth(target, like=logits, share=label_smoothing)
    return -(q * (gamma * no).exp() * yes + (1 - q) * (gamma * yes).exp() * no).sum(dim=-1)


def _smooth(target: Tensor, *, like: Tensor, share: float) -> Tensor:
    """(B, C) one-hot targets of which a share is spread evenly over all classes."""
    num_classes = like.shape[-1]
    return F.one_hot(target, num_classes).to(like.dtype) * (1 - share) + share / num_classes


class FocalLoss(Loss):
    """Softmax focal loss: −(1 − p_y)^γ log p_y, mean over the batch. Classes count alike; hard cases count more.

    For γ > 0 its minimum is flatter than the posterior (Charoenphakdee et al. 2021): the classes come in the right
    order. `log_posterior` takes the bend back in closed form, for fusions that multiply posteriors. The probabilities
    that are answered stay the softmax, whose temperature is fitted: a model of few cases is too sure of itself, so that
    the flattening helps. Measured on PAD-UFES-20 (frozen encoders, concat, γ = 2, 5 folds, seed 0), log-loss of softmax
    and of the map: 0.914 and 1.297 as they are, 0.869 and 0.895 at their temperatures.

    gamma: how fast a case fades as it gets right, at least 0; 2 is the value of Lin et al. 2017.
    label_smoothing: share of the target spread evenly over all classes, in [0, 1); each class's part has its own
        modulator, as in Mukhoti et al. 2020.
    """

    class_prior: Tensor

    def __init__(
        self, class_counts: Sequence[int] | Tensor, *, gamma: float = 2.0, label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        counts = check_counts(class_counts)
        self.gamma = check_range("gamma", gamma)
        self.label_smoothing = check_range("label_smoothing", label_smoothing, below=1.0)
        self.gives_posterior = label_smoothing == 0
        self.register_buffer("class_prior", weighted_prior(counts, torch.ones_like(counts)).float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        logits = in_full_precision(logits)
        return softmax_focal(logits, target, gamma=self.gamma, label_smoothing=self.label_smoothing).mean()

    def _log_posterior(self, logits: Tensor) -> Tensor:
        return softmax_focal_posterior(logits, gamma=self.gamma)

    def prior(self) -> Tensor:
        return self.class_prior
