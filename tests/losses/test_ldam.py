from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.losses import LOSSES
from mmskin.losses.cross_entropy import CrossEntropyLoss, WeightedCrossEntropyLoss
from mmskin.losses.ldam import LDAMLoss, margins_by_count
from mmskin.losses.weighting import check_counts

PAD = [845, 730, 244, 235, 192, 52]  # BCC ACK NEV SEK SCC MEL


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(40, 6, generator=generator), torch.randint(6, (40,), generator=generator)


def test_margins_by_hand() -> None:
    # n = (16, 1): n^(−1/4) = (1/2, 1), so the rarest class has max_m and the other half of it.
    margins = margins_by_count(check_counts([16, 1]), max_m=0.5)
    torch.testing.assert_close(margins, torch.tensor([0.25, 0.5], dtype=torch.float64))


def test_by_hand() -> None:
    # s = 2, z = (ln 3 / 2, 0). y = 0: (ln 3 − .5, 0), −ln of 3 e^−.5 / (3 e^−.5 + 1) = ln(1 + e^.5 / 3) = .437980.
    # y = 1: (ln 3, −1), ln(1 + 3 e) = 2.214283. Mean 1.326132, before the weights.
    loss = LDAMLoss([16, 1], max_m=0.5, scale=2.0)
    logits = torch.tensor([[math.log(3) / 2, 0.0]]).repeat(2, 1)
    assert loss(logits, torch.tensor([0, 1])).item() == pytest.approx(1.326132, abs=1e-6)


def test_by_hand_with_weights() -> None:
    # β = .5, n = (1, 2): w = (1.2, .8). Margins .5 × (1, 2^−.25) = (.5, .4204482), s = 1, z = 0.
    # y = 0: ln(1 + e^.5) = .9740770; y = 1: ln(1 + e^.4204482) = .9253075.
    # (1.2 × .9740770 + .8 × .9253075) / 2 = .9545692
    loss = LDAMLoss([1, 2], scale=1.0, beta=0.5)
    value = loss(torch.zeros(2, 2), torch.tensor([0, 1]), progress=1.0)
    assert value.item() == pytest.approx(0.9545692, abs=1e-6)


def test_it_equals_the_published_expression() -> None:
    logits, target = _batch()
    m = torch.tensor(PAD).double() ** -0.25
    m = m * (0.5 / m.max())
    published = torch.where(F.one_hot(target, 6).bool(), logits - m[target][:, None], logits)
    expected = F.cross_entropy(30 * published, target)
    torch.testing.assert_close(LDAMLoss(PAD)(logits, target).double(), expected)


def test_without_margin_it_is_cross_entropy_and_late_in_the_training_weighted() -> None:
    logits, target = _batch()
    loss = LDAMLoss(PAD, max_m=0.0, scale=1.0, beta=1 - 1e-9)
    torch.testing.assert_close(loss(logits, target, progress=0.79), CrossEntropyLoss(PAD)(logits, target))
    torch.testing.assert_close(loss(logits, target, progress=0.8), WeightedCrossEntropyLoss(PAD)(logits, target))
    scaled = LDAMLoss(PAD, max_m=0.0)
    torch.testing.assert_close(scaled(logits, target), CrossEntropyLoss(PAD)(30 * logits, target))


def test_label_smoothing_is_that_of_cross_entropy() -> None:
    logits, target = _batch()
    loss = LDAMLoss(PAD, max_m=0.0, scale=1.0, label_smoothing=0.1)
    torch.testing.assert_close(loss(logits, target), CrossEntropyLoss(PAD, label_smoothing=0.1)(logits, target))


def test_a_rare_class_must_lead_by_more() -> None:
    loss, tied = LDAMLoss(PAD), torch.zeros(1, 6)
    by_class = [loss(tied, torch.tensor([c])).item() for c in range(6)]
    assert by_class == sorted(by_class)
    # Melanoma, .5 behind in all comparisons: −ln (e^−15 / (e^−15 + 5)) = 15 + ln 5.
    assert by_class[5] == pytest.approx(16.609438, abs=1e-5)


def test_probabilities_are_those_of_the_scaled_logits() -> None:
    # s = 2: softmax(2 × (ln 3, 0)) = (9, 1) / 10
    probs = LDAMLoss([16, 1], scale=2.0).probabilities(torch.tensor([[math.log(3), 0.0]]))
    torch.testing.assert_close(probs, torch.tensor([[0.9, 0.1]]))


def test_it_says_what_its_logits_are_and_whether_it_weighs_classes() -> None:
    assert not LDAMLoss(PAD).gives_posterior
    assert not LDAMLoss(PAD, scale=1.0).gives_posterior  # moved by margins
    assert LDAMLoss(PAD, scale=1.0, max_m=0.0).gives_posterior
    assert LDAMLoss(PAD).is_weighted
    assert not LDAMLoss(PAD, beta=0.0).is_weighted
    # β = .5, n = (1, 2), w = (1.2, .8): (1.2, 1.6) / 2.8
    torch.testing.assert_close(LDAMLoss([1, 2], beta=0.5).prior(), torch.tensor([3 / 7, 4 / 7]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_m": -0.1}, r"max_m must be a number in \[0, inf\), however: max_m=-0.1"),
        ({"scale": 0}, r"scale must be a number in \[1, inf\), however: scale=0"),
        ({"beta": 1.0}, "beta=1.0"),
        ({"deferred_until": 1.0}, "deferred_until=1.0"),
        ({"s": 30}, "option 's' does not exist"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"ldam.*{message}"):
        build("loss", LOSSES, {"name": "ldam", **options}, PAD)
