from __future__ import annotations

import math

import pytest
import torch

from mmskin.fusion.fusion_contract import SMALLEST_PRIOR, Fusion


def test_the_prior_is_uniform_until_it_is_set_and_normalised_when_it_is() -> None:
    fusion = Fusion(4)
    assert fusion.log_prior.tolist() == pytest.approx([-math.log(4)] * 4)
    fusion.set_prior(torch.tensor([30.0, 10.0, 40.0, 0.0]))
    assert fusion.log_prior[:3].exp().tolist() == pytest.approx([3 / 8, 1 / 8, 4 / 8])
    assert float(fusion.log_prior[3]) == pytest.approx(math.log(SMALLEST_PRIOR))
