from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.losses import LOSSES
from mmskin.losses.class_balanced_focal import ClassBalancedFocalLoss
from mmskin.losses.cross_entropy import CrossEntropyLoss, WeightedCrossEntropyLoss
from mmskin.losses.focal import FocalLoss

PAD = [845, 730, 244, 235, 192, 52]  # BCC ACK NEV SEK SCC MEL
LOGITS = torch.tensor([[math.log(3), 0.0]])  # softmax (.75, .25), sigmoids (.75, .5)


def _batch(num_classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(40, num_classes, generator=generator), torch.randint(num_classes, (40,), generator=generator)


def test_softmax_form_by_hand() -> None:
    # β = .5, n = (1, 2): w = (1.2, .8). Focal, γ = 2: .0179801 and .7797906.
    # (1.2 × .0179801 + .8 × .7797906) / 2 = .3227043
    loss = ClassBalancedFocalLoss([1, 2], beta=0.5, gamma=2.0)
    assert loss(LOGITS.repeat(2, 1), torch.tensor([0, 1])).item() == pytest.approx(0.3227043, abs=1e-6)


def test_sigmoid_form_by_hand() -> None:
    # γ = 1. y = 0: .25 × .287682 + .5 × .693147 = .4184941, × 1.2.
    # y = 1: no to 0: .75 × −ln .25 = 1.0397208; yes to 1: .5 × .693147 = .3465736; sum 1.3862944, × .8.
    # (.5021929 + 1.1090355) / 2 = .8056142: the weight of the true class stands before both questions.
    loss = ClassBalancedFocalLoss([1, 2], beta=0.5, gamma=1.0, form="sigmoid")
    assert loss(LOGITS.repeat(2, 1), torch.tensor([0, 1])).item() == pytest.approx(0.8056142, abs=1e-6)


def test_the_weight_stays_outside_the_modulator() -> None:
    # A melanoma at p = .9: w = 3.0726, modulator (1 − .9)² = .01, −ln .9 = .1053605; product .0032373.
    # The LDAM-DRW way, p^w inside the modulator, would give (1 − .9^3.0726)² = .0765 and a loss 7.6 times as large.
    logits = torch.tensor([0.02, 0.02, 0.02, 0.02, 0.02, 0.9]).log()[None]
    loss = ClassBalancedFocalLoss(PAD, beta=0.999, gamma=2.0)
    assert loss(logits, torch.tensor([5])).item() == pytest.approx(0.0032373, abs=1e-6)


def test_limits() -> None:
    logits, target = _batch(6)
    focal, plain = FocalLoss(PAD, gamma=2.0), CrossEntropyLoss(PAD)
    torch.testing.assert_close(ClassBalancedFocalLoss(PAD, beta=0.0)(logits, target), focal(logits, target))
    torch.testing.assert_close(ClassBalancedFocalLoss(PAD, beta=0.0, gamma=0.0)(logits, target), plain(logits, target))
    inverse = WeightedCrossEntropyLoss(PAD)
    torch.testing.assert_close(
        ClassBalancedFocalLoss(PAD, beta=1 - 1e-9, gamma=0.0)(logits, target), inverse(logits, target)
    )


def test_sigmoid_probabilities_are_sigmoids_over_their_sum() -> None:
    loss = ClassBalancedFocalLoss([1, 2], form="sigmoid")
    # .75 / (.75 + .5) = .6
    torch.testing.assert_close(loss.probabilities(LOGITS), torch.tensor([[0.6, 0.4]]))
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(8, 2, generator=generator)
    sigmoids = logits.sigmoid()
    torch.testing.assert_close(loss.probabilities(logits), sigmoids / sigmoids.sum(dim=1, keepdim=True))


def test_sigmoid_probabilities_hold_where_every_sigmoid_is_zero_in_float32() -> None:
    loss = ClassBalancedFocalLoss([1, 2], form="sigmoid")
    # Both e^−200 and e^−201 are 0 in float32; their ratio is e.
    expected = torch.tensor([[-200.0, -201.0]]).softmax(dim=1)
    torch.testing.assert_close(loss.probabilities(torch.tensor([[-200.0, -201.0]])), expected)


def test_initial_bias_of_the_sigmoid_form_makes_every_class_one_in_c() -> None:
    loss = ClassBalancedFocalLoss(PAD, form="sigmoid")
    assert loss.initial_bias == pytest.approx(-math.log(5))
    assert torch.tensor(loss.initial_bias).sigmoid().item() == pytest.approx(1 / 6)
    assert ClassBalancedFocalLoss(PAD).initial_bias is None


def test_label_smoothing_of_the_sigmoid_form_is_that_of_binary_cross_entropy() -> None:
    logits, target = _batch(6)
    soft = F.one_hot(target, 6) * 0.9 + 0.1 / 6
    expected = F.binary_cross_entropy_with_logits(logits, soft, reduction="none").sum(dim=1).mean()
    loss = ClassBalancedFocalLoss(PAD, beta=0.0, gamma=0.0, form="sigmoid", label_smoothing=0.1)
    torch.testing.assert_close(loss(logits, target), expected)


def test_weights_wait_until_they_are_due() -> None:
    logits, target = _batch(6)
    deferred = ClassBalancedFocalLoss(PAD, deferred_until=0.8)
    at_once = ClassBalancedFocalLoss(PAD)
    assert deferred(logits, target, progress=0.79) == FocalLoss(PAD)(logits, target)
    assert deferred(logits, target, progress=0.8) == at_once(logits, target)


def test_prior_is_counts_times_weights() -> None:
    # n = (1, 2), w = (1.2, .8): (1.2, 1.6) / 2.8
    torch.testing.assert_close(ClassBalancedFocalLoss([1, 2], beta=0.5).prior(), torch.tensor([3 / 7, 4 / 7]))


def test_it_says_whether_it_weighs_classes() -> None:
    assert ClassBalancedFocalLoss(PAD).is_weighted
    assert not ClassBalancedFocalLoss(PAD, beta=0.0).is_weighted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": 1.0}, r"beta must be a number in \[0, 1\), however: beta=1.0"),
        ({"beta": -0.1}, "beta=-0.1"),
        ({"gamma": -1}, r"gamma must be a number in \[0, inf\), however: gamma=-1"),
        ({"gamma": float("nan")}, "gamma=nan"),
        ({"gamma": "2"}, "gamma='2'"),
        ({"label_smoothing": 1.0}, "label_smoothing=1.0"),
        ({"deferred_until": 1.5}, "deferred_until=1.5"),
        ({"form": "sigmoidal"}, "Did you mean 'sigmoid'"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"class_balanced_focal.*{message}"):
        build("loss", LOSSES, {"name": "class_balanced_focal", **options}, PAD)
