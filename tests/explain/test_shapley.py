from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from captum.attr import ShapleyValues as CaptumShapley
from numpy.typing import NDArray

from mmskin.explain.shapley import exact_shapley, sampled_shapley, shapley_values

Members = NDArray[np.bool_]
Floats = NDArray[np.float64]


def gloves(members: Members) -> Floats:
    """Player 0 has a left glove, 1 and 2 have right ones; a pair is worth 1."""
    return (members[:, 0] & (members[:, 1] | members[:, 2])).astype(float)


def tangled(members: Members) -> Floats:
    """A game of any size in which everything interacts."""
    weights = np.linspace(-1.0, 2.0, members.shape[1])
    return np.tanh(members @ weights) + 0.3 * members[:, 0] * members[:, -1]


def test_the_glove_game_has_its_textbook_values() -> None:
    # Of the 6 orders the left glove completes the pair in 4 (all but those in which it comes first): 4/6. Each right
    # glove completes it when it comes second, right after the left one: 1/6.
    found = exact_shapley(gloves, 3)
    assert found.values == pytest.approx([4 / 6, 1 / 6, 1 / 6], abs=1e-15)
    assert (found.empty, found.full, found.coalitions, found.is_exact) == (0.0, 1.0, 8, True)


def test_a_linear_game_gives_its_coefficients() -> None:
    weights = np.array([0.5, -2.0, 0.0, 3.25])
    found = exact_shapley(lambda members: 7 + members @ weights, 4)
    assert found.values == pytest.approx(weights, abs=1e-14)
    assert found.empty == 7
    sampled = sampled_shapley(lambda members: 7 + members @ weights, 4, pairs=2)
    assert sampled.values == pytest.approx(weights, abs=1e-14)
    assert sampled.errors == pytest.approx(np.zeros(4), abs=1e-14)


def test_an_interaction_of_two_is_halved_between_them() -> None:
    found = exact_shapley(lambda members: (members[:, 0] & members[:, 1]).astype(float), 3)
    assert found.values == pytest.approx([0.5, 0.5, 0.0])


def test_it_is_the_mean_over_all_orders() -> None:
    players = 5
    expected = np.zeros(players)
    for order in permutations(range(players)):
        members = np.zeros((players + 1, players), dtype=bool)
        for step, player in enumerate(order):
            members[step + 1 :, player] = True
        expected[list(order)] += np.diff(tangled(members)) / 120
    assert exact_shapley(tangled, players).values == pytest.approx(expected, abs=1e-14)


def test_it_agrees_with_captum() -> None:
    def forward(inputs: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(tangled(inputs.numpy() > 0.5))

    theirs = CaptumShapley(forward).attribute(torch.ones(1, 6, dtype=torch.float64))
    assert exact_shapley(tangled, 6).values == pytest.approx(theirs[0].numpy(), abs=1e-5)  # captum sums in float32


def test_values_add_up_whatever_the_orders_drawn() -> None:
    for seed in range(5):
        found = sampled_shapley(tangled, 12, pairs=3, seed=seed)
        assert found.completeness_error < 1e-12
        assert found.full - found.empty == pytest.approx(tangled(np.ones((1, 12), bool))[0])


def test_drawn_values_lie_within_their_errors_of_the_exact_ones() -> None:
    # 12 players × 40 seeds: with normal errors 4.6 % lie beyond two standard errors; of 8 draws (t, 7 degrees) 8.6 %.
    exact = exact_shapley(tangled, 12).values
    beyond = 0
    for seed in range(40):
        found = sampled_shapley(tangled, 12, pairs=8, seed=seed)
        beyond += int((np.abs(found.values - exact) > 2 * found.errors + 1e-12).sum())
    assert 0.02 < beyond / 480 < 0.16


def test_an_order_and_its_reverse_get_every_interaction_of_two_right() -> None:
    # In one of the two, i comes before j; in the other after: each gets half of what they add together.
    pair_worth = np.random.default_rng(3).normal(size=(12, 12))

    def of_pairs(members: Members) -> Floats:
        return np.einsum("ni,ij,nj->n", members.astype(float), pair_worth, members.astype(float))

    found = sampled_shapley(of_pairs, 12, pairs=2)
    assert found.values == pytest.approx((pair_worth.sum(0) + pair_worth.sum(1)) / 2, abs=1e-12)
    assert found.errors == pytest.approx(np.zeros(12), abs=1e-12)


def test_few_players_are_exact_and_many_are_drawn_within_the_budget() -> None:
    asked: list[int] = []

    def counted(members: Members) -> Floats:
        asked.append(len(members))
        assert len(np.unique(members, axis=0)) == len(members)
        return tangled(members)

    assert shapley_values(counted, 10).is_exact
    drawn = shapley_values(counted, 11, pairs=4)
    assert not drawn.is_exact
    assert asked == [1024, drawn.coalitions]
    assert drawn.coalitions <= 2 * 4 * 10 + 2
    assert (drawn.errors > 0).all()


def test_a_game_of_nobody_has_no_values() -> None:
    found = shapley_values(lambda members: np.full(len(members), 0.3), 0)
    assert found.values.shape == (0,)
    assert found.empty == found.full == 0.3


def test_one_pair_tells_no_error_and_is_refused() -> None:
    with pytest.raises(ValueError, match="pairs=1"):
        sampled_shapley(tangled, 12, pairs=1)
