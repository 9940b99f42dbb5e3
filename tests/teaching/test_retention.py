from __future__ import annotations

import numpy as np
import pytest
import torch

from mmskin.teaching.retention import MEASURED, PAIRS, complaints, retention, retention_loss, similarities


def test_similarities_are_cosines_of_every_pair() -> None:
    """(1,0), (0,2), (3,3): cosines 0, 1/√2, 1/√2."""
    pooled = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    assert similarities(pooled).tolist() == pytest.approx([0.0, 0.5**0.5, 0.5**0.5])


def test_retention_is_one_where_the_order_stays_and_minus_one_where_it_turns_round() -> None:
    angles = torch.tensor([0.0, 0.1, 0.35, 1.0])
    before = torch.stack([angles.cos(), angles.sin()], dim=1)
    wider = torch.stack([(1.4 * angles).cos(), (1.4 * angles).sin()], dim=1)
    assert retention(before, wider) == pytest.approx(1.0)
    assert retention(before, before.flip(1) * 7) == pytest.approx(1.0)
    shuffled = torch.randn(60, 8, generator=torch.Generator().manual_seed(0))
    assert abs(retention(shuffled, torch.randn(60, 8, generator=torch.Generator().manual_seed(1)))) < 0.15


def test_the_loss_is_nothing_for_the_same_directions_and_counts_moves_and_changed_pairs() -> None:
    vectors = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    assert retention_loss(vectors, 2 * vectors).item() == pytest.approx(0.0, abs=1e-6)
    assert retention_loss(vectors, -vectors).item() == pytest.approx(2.0)  # all turned round: pairs are as before
    before, now = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    # One of two has moved, by 1; of four cosines two have changed from 0 to 1.
    assert retention_loss(before, now).item() == pytest.approx(0.5 + PAIRS * 0.5)


def test_what_is_measured_is_never_what_is_taught() -> None:
    taught = complaints("taught", 384, np.random.default_rng(0))
    measured = complaints("measured", MEASURED, np.random.default_rng(0))
    assert len(set(taught)) == 384
    assert len(set(measured)) == MEASURED
    assert not set(taught) & set(measured)
