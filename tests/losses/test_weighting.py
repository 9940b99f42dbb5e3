from __future__ import annotations

import pytest
import torch

from mmskin.losses.weighting import (
    check_counts,
    effective_number,
    inverse_frequency,
    prior_of_balanced_draws,
    weighted_prior,
)

PAD = [845, 730, 244, 235, 192, 52]  # BCC ACK NEV SEK SCC MEL, all of PAD-UFES-20


def test_effective_number_by_hand() -> None:
    # β = .5: E = 1 − .5^n = (.5, .75); (1 − β) / E = (1, 2/3); scaled to sum to 2: (6/5, 4/5).
    weights = effective_number(check_counts([1, 2]), beta=0.5)
    torch.testing.assert_close(weights, torch.tensor([1.2, 0.8], dtype=torch.float64))


@pytest.mark.parametrize(
    ("beta", "bcc", "mel"),
    [(0.9, 0.9993, 1.0035), (0.99, 0.7669, 1.8836), (0.999, 0.2730, 3.0726), (0.9999, 0.2077, 3.2452)],
)
def test_effective_number_on_pad_ufes_20(beta: float, bcc: float, mel: float) -> None:
    # β = .999, MEL: .001 / (1 − .999^52) = 0.019725, over the sum of the six = 0.038519, × 6 = 3.0726.
    weights = effective_number(check_counts(PAD), beta=beta)
    assert weights[0].item() == pytest.approx(bcc, abs=5e-5)
    assert weights[5].item() == pytest.approx(mel, abs=5e-5)


def test_inverse_frequency_on_pad_ufes_20() -> None:
    # Σ 1/n_c = .0353461; 6 / (52 × .0353461) = 3.2644, 6 / (845 × .0353461) = .2009.
    weights = inverse_frequency(check_counts(PAD))
    assert weights[5].item() == pytest.approx(3.2644, abs=5e-5)
    assert weights[0].item() == pytest.approx(0.2009, abs=5e-5)


def test_beta_zero_weighs_all_classes_alike_and_beta_near_one_is_inverse_frequency() -> None:
    counts = check_counts(PAD)
    torch.testing.assert_close(effective_number(counts, beta=0.0), torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close(effective_number(counts, beta=1 - 1e-9), inverse_frequency(counts), rtol=1e-5, atol=0.0)


def test_weights_sum_to_the_number_of_classes() -> None:
    counts = check_counts(PAD)
    assert effective_number(counts, beta=0.999).sum().item() == pytest.approx(6)
    assert inverse_frequency(counts).sum().item() == pytest.approx(6)


@pytest.mark.parametrize("beta", [0.0, 0.999])
def test_a_class_without_cases_is_as_if_it_were_not_declared(beta: float) -> None:
    with_hole, without = check_counts([845, 0, 52]), check_counts([845, 52])
    weights = effective_number(with_hole, beta=beta)
    assert weights[1] == 0
    torch.testing.assert_close(weights[[0, 2]], effective_number(without, beta=beta))
    torch.testing.assert_close(inverse_frequency(with_hole)[[0, 2]], inverse_frequency(without))


def test_inverse_frequency_implies_a_uniform_prior() -> None:
    counts = check_counts(PAD)
    prior = weighted_prior(counts, inverse_frequency(counts))
    torch.testing.assert_close(prior, torch.full((6,), 1 / 6, dtype=torch.float64))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([5], "two counts or more"),
        ([[1, 2]], "two counts or more"),
        ([5, -1], "whole numbers"),
        ([5, 0.5], "whole numbers"),
        ([5, float("nan")], "whole numbers"),
        ([5, float("inf")], "whole numbers"),
        ([0, 0], "must hold a training case"),
    ],
)
def test_counts_that_are_none_are_refused(counts: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_counts(counts)


def test_drawing_classes_alike_divides_the_prior_by_the_counts() -> None:
    # Plain: .6 / 6 = .3 / 3 = .1 / 1, so equal shares. Weighted already: (1/3) / (6, 3, 1) over their sum is
    # (1/6, 1/3, 1) / 1.5 = (1, 2, 6) / 9. A class that is never drawn has no share.
    plain = prior_of_balanced_draws(torch.tensor([0.6, 0.3, 0.1]), [6, 3, 1])
    torch.testing.assert_close(plain, torch.full((3,), 1 / 3))
    twice = prior_of_balanced_draws(torch.full((3,), 1 / 3), [6, 3, 1])
    torch.testing.assert_close(twice, torch.tensor([1.0, 2.0, 6.0]) / 9)
    unseen = prior_of_balanced_draws(torch.tensor([0.75, 0.0, 0.25]), [3, 0, 1])
    torch.testing.assert_close(unseen, torch.tensor([0.5, 0.0, 0.5]))
