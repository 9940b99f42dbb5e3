from __future__ import annotations

import math

import pytest
import torch

from mmskin.fusion import FUSIONS
from mmskin.fusion.fusion_contract import SMALLEST_PRIOR, Fusion


def test_the_prior_is_uniform_until_it_is_set_and_normalised_when_it_is() -> None:
    fusion = Fusion(4)
    assert fusion.log_prior.tolist() == pytest.approx([-math.log(4)] * 4)
    fusion.set_prior(torch.tensor([30.0, 10.0, 40.0, 0.0]))
    assert fusion.log_prior[:3].exp().tolist() == pytest.approx([3 / 8, 1 / 8, 4 / 8])
    assert float(fusion.log_prior[3]) == pytest.approx(math.log(SMALLEST_PRIOR))


@pytest.mark.parametrize("name", ["co_attention", "cross_attention"])
def test_what_tells_kinds_of_tokens_apart_starts_small_beside_a_token(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        dims = {"image": 8, "text": 8, "metadata": 8}
        fusion = FUSIONS[name](dims, 2, hidden_dim=256)  # type: ignore[call-arg]
    kinds = torch.cat([value.detach() for key, value in fusion.named_parameters() if key.startswith("kind.")])
    # The usual scale of learned embeddings; a sample of n has its deviation within 4 / sqrt(2 n).
    assert float(kinds.std()) == pytest.approx(0.02, rel=4 / (2 * len(kinds)) ** 0.5)
