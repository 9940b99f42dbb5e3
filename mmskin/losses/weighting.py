"""How much each class counts: weights from the numbers of training cases, and the prior that they imply.

All weights sum to the number of classes, as in the code of Cui et al. 2019. A class without training cases has weight
0 and the others are weighted as if it had not been declared: it never is a target in training, and an infinite weight
would make the others vanish. Float64 throughout: 1 − β^n of a frequent class lies too close to 1 for less.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def check_counts(class_counts: Sequence[int] | Tensor) -> Tensor:
    """The training cases per class as (C,) float64.

    Raises:
        ValueError: fewer than two classes, a count that is negative or not whole, or no training case at all.
    """
    counts = torch.as_tensor(class_counts, dtype=torch.float64, device="cpu")
    if counts.ndim != 1 or len(counts) < 2:
        raise ValueError(f"class_counts must be a list of two counts or more, however: class_counts={class_counts}")
    if not bool(((counts >= 0) & (counts == counts.round())).all()) or not bool(counts.isfinite().all()):
        raise ValueError(f"class_counts must be whole numbers of cases, however: class_counts={counts.tolist()}")
    if counts.sum() == 0:
        raise ValueError(f"class_counts must hold a training case, however: class_counts={counts.tolist()}")
    return counts


def inverse_frequency(counts: Tensor) -> Tensor:
    """(C,) weights proportional to 1 / n_c."""
    return _normalised(1 / counts, counts)


def effective_number(counts: Tensor, *, beta: float) -> Tensor:
    """(C,) weights proportional to (1 − β) / (1 − β^n_c).

    β = 0 weighs all classes alike; β → 1 gives `inverse_frequency`. On PAD-UFES-20 β = 0.9 still does next to nothing
    (.999 to 1.003) and 0.9999 is nearly inverse frequency: the useful range is 0.99 to 0.999.

    Source: Cui et al., *Class-balanced loss based on effective number of samples*, CVPR 2019, section 4.
    """
    return _normalised((1 - beta) / (1 - beta**counts), counts)


def log_shares(counts: Tensor) -> Tensor:
    """(C,) log π_c, the log of the class shares, by which logits are adjusted.

    A class without training cases gets 0, as if all cases were of it, so that no adjustment lifts it: subtracting the
    logarithm of a share of 0 would make it win every case.
    """
    return (counts / counts.sum()).where(counts > 0, 1.0).log()


def weighted_prior(counts: Tensor, weights: Tensor) -> Tensor:
    """(C,) counts × weights, summing to 1: the class shares as the minimum of a weighted log-loss sees them."""
    share = counts * weights
    return share / share.sum()


def prior_of_balanced_draws(prior: Tensor, class_counts: Sequence[int] | Tensor) -> Tensor:
    """(C,) the prior of a loss whose cases are drawn so that all classes are as frequent, from its own `prior`.

    A loss is a mean over cases, so a class drawn r times as often counts r times as much in the prior, whatever weight
    it has beside: r is 1 / n_c here. An unweighted loss gets equal shares; a weighted one balances a second time. A
    class without training cases keeps 0.
    """
    counts = check_counts(class_counts)
    shares = (prior.cpu() / counts).where(counts > 0, 0.0)
    return (shares / shares.sum()).to(prior)


def _normalised(weights: Tensor, counts: Tensor) -> Tensor:
    """Weights that sum to the number of classes seen, 0 for those not seen."""
    seen = counts > 0
    weights = weights.where(seen, 0.0)
    return weights / weights.sum() * seen.sum()
