from __future__ import annotations

import math

import pytest
import torch

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.features import Features
from mmskin.fusion.late import LateFusion
from mmskin.losses import LOSSES
from mmskin.losses.cross_entropy import CrossEntropyLoss
from mmskin.losses.logit_adjusted import LogitAdjustedLoss, PostHocLogitAdjustedLoss
from mmskin.losses.weighting import check_counts, log_shares

PAD = [845, 730, 244, 235, 192, 52]  # BCC ACK NEV SEK SCC MEL
LOGITS = torch.tensor([[math.log(2), 0.0]])


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(40, 6, generator=generator), torch.randint(6, (40,), generator=generator)


def test_the_loss_by_hand() -> None:
    # π = (.8, .2), τ = .5: e^z π^τ = (2 × 2, 1) / √5, shares 4/5 and 1/5; (.2231436 + 1.6094379) / 2 = .9162907
    loss = LogitAdjustedLoss([4, 1], tau=0.5)
    assert loss(LOGITS.repeat(2, 1), torch.tensor([0, 1])).item() == pytest.approx(0.9162907, abs=1e-6)
    torch.testing.assert_close(loss.probabilities(LOGITS), torch.tensor([[2 / 3, 1 / 3]]))


def test_the_post_hoc_form_by_hand() -> None:
    # Trained as it is: (−ln 2/3 − ln 1/3) / 2 = .7520387. Answers, τ = 1: (2 / .8, 1 / .2) = (2.5, 5): 1/3 and 2/3.
    loss = PostHocLogitAdjustedLoss([4, 1])
    assert loss(LOGITS.repeat(2, 1), torch.tensor([0, 1])).item() == pytest.approx(0.7520387, abs=1e-6)
    torch.testing.assert_close(loss.probabilities(LOGITS), torch.tensor([[1 / 3, 2 / 3]]))


@pytest.mark.parametrize("loss_class", [LogitAdjustedLoss, PostHocLogitAdjustedLoss])
def test_tau_zero_is_cross_entropy(loss_class: type[LogitAdjustedLoss] | type[PostHocLogitAdjustedLoss]) -> None:
    logits, target = _batch()
    plain, loss = CrossEntropyLoss(PAD, label_smoothing=0.1), loss_class(PAD, tau=0.0, label_smoothing=0.1)
    torch.testing.assert_close(loss(logits, target), plain(logits, target))
    torch.testing.assert_close(loss.probabilities(logits), plain.probabilities(logits))
    torch.testing.assert_close(loss.prior(), plain.prior())
    assert not loss.is_weighted


def test_one_form_is_the_other_with_the_logits_moved() -> None:
    # So a linear head, whose bias can take up the difference, has the same minimum under both.
    logits, target = _batch()
    trained, post_hoc = LogitAdjustedLoss(PAD, tau=1.3), PostHocLogitAdjustedLoss(PAD, tau=1.3)
    moved = logits + 1.3 * log_shares(check_counts(PAD)).float()
    torch.testing.assert_close(trained(logits, target), post_hoc(moved, target))
    torch.testing.assert_close(trained.probabilities(logits), post_hoc.probabilities(moved))


def test_priors_by_hand() -> None:
    # n = (4, 1), τ = .5: n^(1 − τ) = (2, 1). The logits of the post-hoc form are those of cross-entropy: (.8, .2).
    torch.testing.assert_close(LogitAdjustedLoss([4, 1], tau=0.5).prior(), torch.tensor([2 / 3, 1 / 3]))
    torch.testing.assert_close(PostHocLogitAdjustedLoss([4, 1], tau=0.5).prior(), torch.tensor([0.8, 0.2]))


@pytest.mark.parametrize("loss_class", [LogitAdjustedLoss, PostHocLogitAdjustedLoss])
@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_without_inputs_the_minimum_is_the_prior(
    loss_class: type[LogitAdjustedLoss] | type[PostHocLogitAdjustedLoss], tau: float
) -> None:
    counts = [6, 3, 1]
    loss = loss_class(counts, tau=tau)
    logits = loss.prior().log().requires_grad_()
    loss(logits.expand(10, 3), torch.repeat_interleave(torch.arange(3), torch.tensor(counts))).backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(3), atol=1e-6, rtol=0.0)


@pytest.mark.parametrize("loss_class", [LogitAdjustedLoss, PostHocLogitAdjustedLoss])
def test_late_fusion_counts_the_prior_once(
    loss_class: type[LogitAdjustedLoss] | type[PostHocLogitAdjustedLoss],
) -> None:
    # The photo has likelihoods (.3, .6), the note (.5, .75); equally frequent classes: (.15, .45), so (1/4, 3/4).
    # A branch has learned its likelihoods times the prior of its loss; two of them must not count that twice.
    loss = loss_class([4, 1])
    fusion = LateFusion({"image": 2, "text": 2}, 2).eval()
    fusion.set_prior(loss.prior())
    features = {}
    for modality, likelihood in {"image": [0.3, 0.6], "text": [0.5, 0.75]}.items():
        fusion.experts.heads[modality] = torch.nn.Identity()
        features[modality] = Features((loss.prior() * torch.tensor(likelihood)).log()[None])
    logits = fusion(features, dict.fromkeys(features, torch.tensor([True]))).logits
    assert logits is not None
    torch.testing.assert_close(loss.probabilities(logits), torch.tensor([[0.25, 0.75]]))


def test_a_class_without_training_cases_is_not_lifted() -> None:
    loss = PostHocLogitAdjustedLoss([4, 1, 0])
    # (.8 / .8, .2 / .2, .01) over their sum
    probs = loss.probabilities(torch.tensor([[0.8, 0.2, 0.01]]).log())
    torch.testing.assert_close(probs, torch.tensor([[1.0, 1.0, 0.01]]) / 2.01)


@pytest.mark.parametrize("name", ["logit_adjusted", "logit_adjusted_post_hoc"])
def test_a_negative_tau_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name}.*tau must be a number in \[0, inf\), however: tau=-1"):
        build("loss", LOSSES, {"name": name, "tau": -1}, PAD)
