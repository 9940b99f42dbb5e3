"""Shapley values of a game: how much each player added, averaged over all orders in which they can come.

    φ_i = Σ_{S ∌ i} |S|! (P − |S| − 1)! / P! · (v(S ∪ {i}) − v(S))

Shapley, *A value for n-person games*, 1953. They are the only values that add up to v(all) − v(none), give equal
players equal shares, give 0 to a player that never matters, and add up over games. No torch here: a game is any
function of who is in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Game = Callable[[NDArray[np.bool_]], Floats]
"""(N, P) bool, who is in each of N coalitions → (N,) what each is worth. Called once, no coalition twice."""


@dataclass(frozen=True)
class ShapleyValues:
    """values: (P,), which add up to full − empty; errors: (P,) standard errors, 0 if exact; coalitions: how many the
    game was asked for."""

    values: Floats
    errors: Floats
    empty: float
    full: float
    coalitions: int
    is_exact: bool

    @property
    def completeness_error(self) -> float:
        """|Σ values − (full − empty)|: 0 by construction, up to rounding."""
        return abs(float(self.values.sum()) - (self.full - self.empty))


def shapley_values(game: Game, players: int, *, exact_up_to: int = 10, pairs: int = 8, seed: int = 0) -> ShapleyValues:
    """Exact for up to `exact_up_to` players, for which 2^P coalitions are asked; from drawn orders beyond.

    Args:
        game: what every coalition is worth.
        players: P, 0 or more.
        exact_up_to: the largest P for which all coalitions are asked.
        pairs: of orders that are drawn beyond; at most 2 · pairs · (P − 1) + 2 coalitions are asked.
        seed: of the orders.

    Raises:
        ValueError: fewer than two pairs, of which no error can be told.
    """
    if players <= exact_up_to:
        return exact_shapley(game, players)
    return sampled_shapley(game, players, pairs=pairs, seed=seed)


def exact_shapley(game: Game, players: int) -> ShapleyValues:
    """The formula, over all 2^P coalitions."""
    numbers = np.arange(2**players)
    members = (numbers[:, None] >> np.arange(players)) & 1 == 1
    worth = np.asarray(game(members), dtype=np.float64)
    sizes = members.sum(axis=1)
    weights = np.array([factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)])
    values = np.empty(players)
    for player in range(players):
        without = numbers[~members[:, player]]
        values[player] = weights[sizes[without]] @ (worth[without | 1 << player] - worth[without])
    return ShapleyValues(values, np.zeros(players), float(worth[0]), float(worth[-1]), len(members), is_exact=True)


def sampled_shapley(game: Game, players: int, *, pairs: int, seed: int = 0) -> ShapleyValues:
    """The mean over drawn orders, each with its reverse: where players add little beside each other, errors cancel.

    The values of every order add up to full − empty, so their mean does. A pair's mean is one draw; the standard error
    is theirs. Antithetic orders: Mitchell et al., *Sampling permutations for Shapley value estimation*, JMLR 2022,
    section 5.

    Raises:
        ValueError: fewer than two pairs.
    """
    if pairs < 2:
        raise ValueError(f"pairs must be 2 or more, for a standard error needs two draws, however: pairs={pairs}")
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.permutation(players) for _ in range(pairs)])
    orders = np.concatenate([drawn, drawn[:, ::-1]])
    # arrived[o, k, i]: player i is among the first k of order o.
    place = np.argsort(orders, axis=1)
    arrived = place[:, None, :] < np.arange(players + 1)[None, :, None]
    coalitions, which = np.unique(arrived.reshape(-1, players), axis=0, return_inverse=True)
    worth = np.asarray(game(coalitions), dtype=np.float64)
    path = worth[which.ravel()].reshape(len(orders), players + 1)
    added = np.take_along_axis(np.diff(path, axis=1), place, axis=1)
    draws = (added[:pairs] + added[pairs:]) / 2
    errors = draws.std(axis=0, ddof=1) / np.sqrt(pairs)
    empty, full = float(path[0, 0]), float(path[0, -1])
    return ShapleyValues(draws.mean(axis=0), errors, empty, full, len(coalitions), is_exact=False)
