from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmskin.explain.faithfulness import (
    blurred,
    deletion_insertion,
    instability,
    pointing_game,
    points_at,
    randomised,
    rank_correlation,
    share_on,
    warmest_first,
    wilson,
)


def heat(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_a_map_points_where_its_warmest_cell_is() -> None:
    mask = np.zeros((40, 80), dtype=bool)
    mask[20:, 40:] = True  # the cell below right of a 2 × 2 map
    assert points_at(heat([0.1, 0.2], [0.3, 1.0]), mask)
    assert not points_at(heat([0.1, 1.0], [0.3, 0.9]), mask)
    assert not points_at(heat([0.0, 0.0], [0.0, 0.0]), mask)


def test_the_pointing_game_stands_beside_what_is_hit_without_looking() -> None:
    corner, middle = np.zeros((10, 10), dtype=bool), np.zeros((10, 10), dtype=bool)
    corner[:5, :2] = True  # 10 of 100 pixels
    middle[3:8, 3:9] = True  # 30 of 100, the centre (5, 5) among them
    found = pointing_game([heat([1.0, 0.0]), heat([1.0, 0.0])], [corner, middle])
    # The middle of the left cell is row 5, column 2: beside both masks.
    assert (found.share, found.random, found.centre, found.n) == (0.0, pytest.approx(0.2), 0.5, 2)
    three_wide = np.zeros((10, 10), dtype=bool)
    three_wide[:6, :3] = True
    assert pointing_game([heat([1.0, 0.0])], [three_wide]).share == 1
    with pytest.raises(ValueError, match="1 maps, 0 masks"):
        pointing_game([heat([1.0])], [])


def test_wilsons_interval_is_that_of_the_formula() -> None:
    # Newcombe, 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(29, 29) == pytest.approx((0.8830, 1.0), abs=5e-5)


def test_the_share_on_a_mark_is_the_share_of_the_warmth() -> None:
    mask = np.array([[True, False], [False, False]])
    assert share_on(heat([0.5, 1.0], [0.5, 0.0]), mask) == pytest.approx(0.25)
    assert math.isnan(share_on(heat([0.0, 0.0], [0.0, 0.0]), mask))


def left_red(photos: Tensor) -> Tensor:
    """The mean of the first channel over the left half."""
    return photos[:, 0, :, : photos.shape[3] // 2].mean(dim=(1, 2))


def test_areas_are_those_worked_out_by_hand() -> None:
    # 2 × 2 cells; the first channel is 1 above left and 0 elsewhere. The score is the mean over the left half: 0.5.
    # The blur keeps these cells nearly whole, so the filling is taken off: what is left is linear in the cells.
    photo = torch.zeros(3, 16, 16)
    photo[0, :8, :8] = 1.0
    empty = left_red(blurred(photo)[None])
    partly = photo.clone()
    partly[:, :8, :8] = blurred(photo)[:, :8, :8]
    without = float(left_red(partly[None]))  # the score once the red cell is emptied
    first, last = np.array([0, 1, 2, 3]), np.array([1, 2, 3, 0])
    found = deletion_insertion(left_red, photo, first, grid=(2, 2))
    order_of_scores = [0.5, without, without, float(empty), float(empty)]  # cell 2, below left, is emptied third
    assert found.deletion == pytest.approx(np.trapezoid(order_of_scores, dx=0.25), abs=1e-5)
    assert deletion_insertion(left_red, photo, last, grid=(2, 2)).deletion > found.deletion


def test_insertion_of_an_order_is_deletion_of_its_reverse() -> None:
    photo = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0))
    order = np.random.default_rng(0).permutation(9)
    forth = deletion_insertion(left_red, photo, order, grid=(3, 3), steps=9)
    back = deletion_insertion(left_red, photo, order[::-1].copy(), grid=(3, 3), steps=9, batch_size=4)
    assert forth.insertion == pytest.approx(back.deletion, abs=1e-6)
    assert forth.deletion == pytest.approx(back.insertion, abs=1e-6)


def test_a_map_of_what_the_score_rests_on_beats_random_orders() -> None:
    photo = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    photo[0, :, 24:] -= 3  # what the blur brings into the left half from the right one is low
    spot = photo.clone()
    spot[0, 8:16, 8:16] += 5

    truth = np.zeros((4, 4), dtype=np.float32)
    truth[1, 1] = 1

    def score(photos: Tensor) -> Tensor:
        return photos[:, 0].flatten(1).amax(1)

    own = deletion_insertion(score, spot, warmest_first(truth), grid=(4, 4), steps=16)
    rng = np.random.default_rng(0)
    others = [deletion_insertion(score, spot, rng.permutation(16), grid=(4, 4), steps=16) for _ in range(20)]
    assert own.deletion < np.mean([other.deletion for other in others])
    assert own.insertion > np.mean([other.insertion for other in others])


def test_the_warmest_cells_come_first_and_equal_ones_in_their_order() -> None:
    assert warmest_first(heat([0.2, 1.0], [0.2, 0.0])).tolist() == [1, 0, 2, 3]


def test_rank_correlation_is_spearmans() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 5, (4, 4)).astype(np.float32) for _ in range(2))
    assert rank_correlation(first, second) == pytest.approx(float(spearmanr(first.ravel(), second.ravel()).statistic))
    assert rank_correlation(first, first**3) == pytest.approx(1)
    assert math.isnan(rank_correlation(first, np.zeros((4, 4), dtype=np.float32)))


def test_weights_are_drawn_anew_inside_and_are_back_bit_for_bit_after() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 6 * 6, 2)).eval()
    net[1].running_mean.fill_(0.3)  # type: ignore[union-attr,operator]
    photo = torch.randn(2, 3, 8, 8)
    before, generator_before = net(photo), torch.get_rng_state()
    norm = {name: tensor.clone() for name, tensor in net[1].state_dict().items()}
    with randomised(net[0], net[3], seed=1):
        inside = net(photo)
        assert all(torch.equal(tensor, norm[name]) for name, tensor in net[1].state_dict().items())
    with randomised(net, seed=1):
        assert torch.equal(net(photo), inside)
    assert not torch.allclose(inside, before)
    assert torch.equal(net(photo), before)
    assert torch.equal(torch.get_rng_state(), generator_before)
    with pytest.raises(RuntimeError, match="stop"), randomised(net):
        raise RuntimeError("stop")
    assert torch.equal(net(photo), before)


def test_instability_is_the_largest_relative_change() -> None:
    photo = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(0))
    still = instability(lambda p: heat([1.0, 0.5]), photo)
    assert still == 0

    seen: list[Tensor] = []

    def moving(p: Tensor) -> np.ndarray:
        seen.append(p)
        return heat([3.0, 4.0 + 0.5 * (len(seen) == 3)])  # norm 5; the second noisy photo moves it by 0.5

    assert instability(moving, photo, noise=0.01, draws=3) == pytest.approx(0.1)
    spread = float((seen[1] - photo).std() / photo.std())
    assert spread == pytest.approx(0.01, rel=0.2)
    assert math.isnan(instability(lambda p: heat([0.0]), photo))
