"""One expert a modality, and the product of what they say: the formula of late fusion, in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from mmskin.errors import one_of
from mmskin.features import Features, is_photo
from mmskin.fusion.fusion_options import check_share, check_size
from mmskin.fusion.linear_head import linear_head

SMALLEST_PRIOR = 1e-12
"""The prior of a class without training cases, so that its logarithm is finite."""
WeightsFrom = Literal["training", "fixed", "validation"]
"""Where the weights of the experts come from: learned with everything else, left at 1, or found on validation rows."""


class Experts(nn.Module):
    """A product of experts: log p = log π + Σ_{m present} s_m w_m (log p_m − log π) + const.

    p_m is the posterior of an expert that sees the pooled vector of modality m only, π the class prior under which the
    experts are trained. What an expert adds is its evidence over the prior, so that the prior counts once however many
    experts there are. At w = 1, where the weights start, this is naive Bayes over what is independent given the class:
    each kind of photo, and the history. Note and columns tell the same facts; s_m shares the history's part equally
    among those of them that are present (1/2 each, 1 for one alone), 1 for photos. Experts that tell the same story
    twice get w < 1, one that is too timid w > 1.

    Where only one kind of photo, or only the history, is present there is nothing to weigh against: w counts as 1, and
    the answer of one modality alone is its expert's own, exactly. An absent modality is dropped exactly: none of its
    content is read. A class without training cases stays at its prior: dividing by a prior of almost 0 would make it
    win every case.

    Source: Hinton, *Training products of experts by minimizing contrastive divergence*, Neural Comput. 2002; Kittler et
    al., *On combining classifiers*, IEEE PAMI 1998 (product rule).

    modalities: of which there is an expert.
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        hidden_dim: int | None = None,
        dropout: float = 0.2,
        weights: WeightsFrom = "training",
    ) -> None:
        """Make the experts.

        Args:
            dims: D by modality.
            num_classes: C.
            hidden_dim: width of a hidden layer in each expert; None for linear experts.
            dropout: in [0, 1), on each expert's input and hidden layer.
            weights: where w comes from; unless from training, it stays 1 in training.

        Raises:
            ValueError: an option with a value that it cannot have.
        """
        super().__init__()
        self.modalities = tuple(dims)
        check_share("dropout", dropout)
        if hidden_dim is not None:
            check_size("hidden_dim", hidden_dim)
        self.heads = nn.ModuleDict(
            {m: linear_head(dim, num_classes, hidden_dim=hidden_dim, dropout=dropout) for m, dim in dims.items()}
        )
        self.weights_from = weights
        learns = check_weights(weights) == "training"
        self.weights = nn.ParameterDict({m: nn.Parameter(torch.tensor(1.0), requires_grad=learns) for m in dims})

    def forward(self, features: Mapping[str, Features]) -> dict[str, Tensor]:
        """Logits (B, C) by modality; those of an absent one are not to be read."""
        return {m: head(features[m].pooled) for m, head in self.heads.items()}

    def product(
        self,
        log_posteriors: Mapping[str, Tensor],
        present: Mapping[str, Tensor],
        *,
        log_prior: Tensor,
        weights: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """What the experts say together.

        Args:
            log_posteriors: (B, C) by modality, log p_m.
            present: (B,) bool by modality.
            log_prior: (C,) log π.
            weights: w by modality, to see what others would give; its own if None.

        Returns:
            (B, C), log p but for a constant of each case, float32 or better.
        """
        chosen: Mapping[str, Tensor] = dict(self.weights.items()) if weights is None else weights
        shares = shares_of(present, self.modalities)
        several = tells_several_things(present, self.modalities)
        was_seen = log_prior > math.log(2 * SMALLEST_PRIOR)
        log_p = log_prior.expand(len(several), -1)
        for m in self.modalities:
            # float32: in half precision the difference of two logarithms keeps no more than two digits.
            evidence = log_posteriors[m].to(torch.promote_types(log_posteriors[m].dtype, torch.float32)) - log_prior
            weight = torch.where(several, chosen[m], 1.0) * shares[m]
            log_p = log_p + torch.where(present[m][:, None] & was_seen, weight[:, None] * evidence, 0.0)
        return log_p


def check_weights(weights: WeightsFrom) -> WeightsFrom:
    """The value, if it is one.

    Raises:
        ValueError: it is not.
    """
    if weights not in get_args(WeightsFrom):
        raise ValueError(one_of("weights", weights, get_args(WeightsFrom)))
    return weights


def shares_of(present: Mapping[str, Tensor], modalities: Sequence[str]) -> dict[str, Tensor]:
    """(B,) by modality: 1 for a kind of photo; note and columns share 1 equally, where both are present."""
    shares = {m: torch.ones_like(present[m], dtype=torch.float32) for m in modalities}
    history = [m for m in modalities if not is_photo(m)]
    if len(history) > 1:
        forms = torch.stack([present[m] for m in history]).sum(dim=0).clamp_min(1)
        shares |= dict.fromkeys(history, 1 / forms)
    return shares


def tells_several_things(present: Mapping[str, Tensor], modalities: Sequence[str]) -> Tensor:
    """(B,) bool, where two are present that tell different things: two kinds of photos, or a photo and the history.

    Note and columns are two forms of one history.
    """
    photos = [present[m].long() for m in modalities if is_photo(m)]
    history = [present[m] for m in modalities if not is_photo(m)]
    sources = [*photos, *([torch.stack(history).any(dim=0).long()] if history else [])]
    return torch.stack(sources).sum(dim=0) > 1
